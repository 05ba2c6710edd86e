// Writes a text out, a character every 25 ms; at once for those who want less motion.

const CHARACTER_MS = 25;

const stillness = matchMedia("(prefers-reduced-motion: reduce)");

export class Typewriter {
  constructor(element) {
    this.element = element;
    this.text = "";
    this.frame = 0;
  }

  write(text, { slowly }) {
    this.stop();
    this.text = text;
    if (!slowly || stillness.matches) {
      this.element.textContent = text;
      return;
    }
    const characters = split(text);
    const begun = performance.now();
    this.element.classList.add("writing");
    const step = (now) => {
      // By the clock: a tab in the background is not called, and is not behind when it is looked at.
      const written = Math.max(0, Math.floor((now - begun) / CHARACTER_MS));
      this.element.textContent = characters.slice(0, written).join("");
      this.element.scrollTop = this.element.scrollHeight;
      if (written < characters.length) this.frame = requestAnimationFrame(step);
      else this.stop();
    };
    this.frame = requestAnimationFrame(step);
  }

  stop() {
    cancelAnimationFrame(this.frame);
    this.element.classList.remove("writing");
  }
}

// What people take for a character may be several of Unicode's.
function split(text) {
  if (!Intl.Segmenter) return Array.from(text);
  return Array.from(new Intl.Segmenter().segment(text), ({ segment }) => segment);
}

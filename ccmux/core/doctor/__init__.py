"""What the doctor thinks of what was seen: facts in, findings out, each with its mend. It looks at nothing.

One module an area, from the foundation up. What may be mended safely has a `Fix` beside its finding.
"""

from __future__ import annotations

from ccmux.core.doctor.diagnosis import Diagnosis, Fix, FixKind

__all__ = ["Diagnosis", "Fix", "FixKind"]

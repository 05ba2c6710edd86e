"""What must be found, made up for this, and what looks like it and must not be.

Every planted one has a `|` in it that is taken out when the corpus is read: else the repository's own check
would find it here.
"""

from __future__ import annotations

from collections.abc import Mapping

_PLANTED = {
    "email": {
        "plain": "mathilda.krüger@|web.de",
        "with a tag": "mathilda+lists@|mail.uni-ulm.de",
        "in brackets": "<q.li@|qq.com>",
        "in a link": "mailto:o'neill@|eircom.net",
        "in CJK": "请发到liming88@|163.com谢谢",
        "full width": "liming88＠|163．com",
        "two dots": "a.b.c|@sub.domain.co.uk",
        "behind an allowed one": "user@example.com, mathilda@|web.de",
        "a file's ending that is a country, too": "piotr@fir|ma.pl",
        "in a file's name": "mathilda@|web.de.txt",
        "long": "x" * 60 + "@we|b.de",
    },
    "jid": {
        "a person": "49151|23456987@|s.whatsapp.net",
        "a device": "49151|23456987:17@|s.whatsapp.net",
        "a group": "120363|021937483920@|g.us",
        "an old group": "49151|23456987-1593482716@|g.us",
        "a hidden one": "183927|461029384@|lid",
        "an old form": "85298|761234@|c.us",
        "in CJK": "群120363|021937483920@|g.us里",
    },
    "phone": {
        "international": "+49 151 2345|6987",
        "compact": "+4915123|456987",
        "with brackets": "+44 (0)20 7183| 8750",
        "with dashes": "+1-650-253|-0000",
        "American": "(650) 253|-0000",
        "American with dashes": "650-253|-0000",
        "American with dots": "call 650.253|.0000 now",
        "bare, Hong Kong": "85298|761234",
        "bare, China": "86138|12349876",
        "Chinese mobile": "我的手机是138|12349876，打给我",
        "announced": "Tel.: 0711 64|89-370",
        "announced in English": "phone: 9876 12|34",
        "announced in Chinese": "电|话：021-5838 9876",
        "in JSON": '{"ph|one":"0151 2345 6987"}',
        "full width": "＋４９１５１２３|４５６９８７",
        "with no-break blanks": "+49\u00a0151\u00a023|456987",
        "followed by a year": "+49 151 2345|6987 2026",
    },
    "key": {
        "Anthropic": "sk-ant|-api03-Zk3vQ81xTb7LmPw2Nd9RfHs6Yc4Ga5Je",
        "OpenAI": "sk-|pR7tWx2LqZ9mNv4KcB8sHd3FgJ6yTa5E",
        "OpenAI, project": "sk-|proj-pR7tWx2LqZ9mNv4KcB8sHd3FgJ6yTa5E",
        "AWS": "AKIA|Q3EGVX7T5RZL2MNB",
        "AWS secret": "aws_secret_access_key = 'wJ|8rTXUtnFEMI/K7MDENG+bPxRfiCYzGq4vLo2s'",
        "GitHub": "ghp_|R7tWx2LqZ9mNv4KcB8sHd3FgJ6yTa5EuPo1i",
        "GitHub, fine": "github_|pat_11ABCDEFG0aZ9mNv4KcB8s_Hd3FgJ6yTa5EuPo1iWq",
        "GitLab": "glpat|-x7Kq2mZ9RtVw4LbN8sHd",
        "Slack": "xoxb|-2847561930-8473625190-aZ9mNv4KcB8sHd3FgJ6yTa5E",
        "Slack hook": "https://hooks.slack|.com/services/T02ABCDEF/B03GHIJKL/aZ9mNv4KcB8sHd3FgJ6y",
        "Google": "AIza|SyD3kf9Lq2mZ8RtVw4LbN7sHd6FgJ1yTaE5",
        "Stripe": "sk_live|_4eC39HqLyjWDarjtT1zdp7dc",
        "SendGrid": "SG|.ngeVfQFYQlKU0ufo8x5d1A.TwL2iGABf9DHoTf-09kqeF8tAmbihYzrnopKc-1s5cr",
        "Telegram": "5839201746|:AAHdqTcvCH1vGWJxfSeofSAs0K5PALDsaw9",
        "Twilio": "SK|8f3b2c9d7e1a4f6b0c5d8e2a9f7b3c1d",
        "Mailchimp": "3f8b2c9d7e1a4f6b0c5d8e2a9f7b3c1d|-us14",
        "Discord": "MTk4NjIyNDgzNDcxOTI1MjQ4|.Cl2FMQ|.ZnCjm1XVW7vRze4b7Cq4se7kKWs",
        "Square": "sq0csp|-Zk3vQ81xTb7LmPw2Nd9RfHs6Yc4Ga5JeUo1iWqAx8Vt",
        "PyPI": "pypi-|AgEIcHlwaS5vcmc" + "CJDQ3ZjQ4NmE5LTU0" * 5,
        "npm": "//registry.npmjs.org/:_auth|Token=npm_|Zk3vQ81xTb7LmPw2Nd9RfHs6Yc4Ga5JeUo1i",
        "npm, older": "//registry.npmjs.org/:_auth|Token=3f8b2c9d-7e1a-4f6b-8c5d-8e2a9f7b3c1d",
        "npm alone": "npm_|Zk3vQ81xTb7LmPw2Nd9RfHs6Yc4Ga5JeUo1i",
        "Azure": "AccountKey=|zz" + "Zk3vQ81xTb7LmPw2Nd9RfHs6Yc4Ga5JeUo1iWqAx8Vt" * 2,
        "Hugging Face": "hf_|ZkvQxTbLmPwNdRfHsYcGaJeUoiWqAxVtBn",
        "age": "AGE-SECRET|-KEY-1QYQSZQGPQYQSZQGPQYQSZQGPQYQSZQGPQYQSZQGPQYQSZQGPQ8ELC3T",
        "a JSON web token": "eyJhbGciOiJIUzI1NiJ9|.ey|JzdWIiOiI4NDczNjI1In0.Zk3vQ81xTb7LmPw2Nd9RfHs6Yc4",
        "a private key": "-----BEGIN OPEN|SSH PRIVATE KEY-----\nb3Blbn\n-----END OPENSSH PRIVATE KEY-----",
        "a private key that is cut": "-----BEGIN RSA| PRIVATE KEY-----\nMIIE",
        "a PuTTY key": "PuTTY-User|-Key-File-2: ssh-rsa",
        "in a URL": "postgres:|//app:Tr0ub4dor@db/app",
        "a header": "Authorization: Bearer Zk3vQ81x|Tb7LmPw2Nd9R",
        "a password in code": 'pass|word = "Tr0ub4dor"',
        "of letters alone": "pass|word='correcthorse'",
        "a password of the environment": "DB_PASS|WORD=Tr0ub4dor",
        "a password in YAML": "  pass|word: Tr0ub4dor",
        "a password in prose": "the pass|word is Tr0ub4dor.",
        "a password in Chinese": "密|码：Tr0ub4dor",
        "a password with a type": 'PASS|WD: str = "Tr0ub4dor"',
        "in JSON": '{"smtp_pass|word": "Tr0ub4dor"}',
        "an argument": '.set("pass|word", "Tr0ub4dor")',
        "an app password": "APP_PASSWORD=abkd qx|zv mwpt rjhn",
        "a token in code": "api_token = 'Zk3vQ81x|Tb7LmPw2'",
        "a key of the environment": "export MAPS_KEY=Zk3vQ81x|Tb7LmPw2",
        "beside a placeholder": 'password = "changeme"; pass|word = "Tr0ub4dor"',
        "a word before which a letter grows in small": "İİ pass|Word = 'Tr0ub4dor'",
    },
    "path": {
        "Linux": "/home/|mathilda/notes.txt",
        "after a blank": "cd /home/|mathilda",
        "macOS": "/Users/|mathilda/Documents",
        "Windows": "C:\\Users\\|Mathilda\\Desktop",
        "Windows, escaped": "C:\\\\Users\\\\|Mathilda\\\\Desktop",
        "a link": "file:///home/|mathilda/x",
        "in CJK": "文件在/home/|mathilda目录",
        "a Chinese name": "/home/|张三/x",
        "Claude's folder of a project": "~/.claude/projects/-ho|me-mathilda-work/x.jsonl",
        "below /mnt": "/mnt/c/Users/|mathilda/x",
        "as an option": "--root=/home/|mathilda",
    },
    "host": {
        "a router's": "http://nas|.fritz.box/",
        "of a LAN": "backup|.lan",
        "a Mac": "Mathildas-MacBook|-Pro.local",
        "behind an @": "pi@kit|chen.local",
        "a company's": "https://wiki.kontor|.internal/x",
        "of a tailnet": "desk.tail1234|.ts.net",
        "a home": "printer|.home.arpa",
    },
}

PLANTED: Mapping[str, Mapping[str, str]] = {
    kind: {name: text.replace("|", "") for name, text in texts.items()} for kind, texts in _PLANTED.items()
}
"""Kind to name to a text in which just that one must be found."""

INNOCENT = {
    "documented addresses": "user@example.com alice@example.org x@mail.example.net a@b.test root@localhost",
    "programs' addresses": "git@github.com:x/y.git noreply@github.com",
    "no addresses": (
        "a@b x @ y.de @pytest.mark.usefixtures getty@tty1.service icon@2x.png logo@2x.tar.gz "
        "pkg@1.2.3 @scope/name @"
    ),
    "an address behind nothing": " @web.de",
    "a password's place in a URL": "https://user:password@host.de/x https://user:pass@complex.url.com",
    "JIDs for examples": "10000000000@s.whatsapp.net 100000000000000000@g.us <phone>@s.whatsapp.net",
    "no JID": "x@lid 12@lid 12345@lids",
    "numbers of films": "+1 212 555 0142 (212) 555-0142 212-555-0142 +44 7700 900123 +12025550142",
    "counted": "+1234567890 12345678901 phone: 12345678 tel: 00000000 1234567890123",
    "times": "1763640000 1763640000000 2026-11-30T17:45:00+01:00 20261130174500 17:45:00.123456789",
    "counts": "10737418240 bytes, 4294967296 and 1099511627776",
    "hunks and versions": "@@ -12345,123 +12346,1234567 @@ 3.11.12345678 v1.2.3-4567890 1.0.12345678901",
    "hashes": (
        "e83c5163316f89bfbde7d9ab23ca2e25604af290 550e8400-e29b-41d4-a716-446655440000"
        " sha256:9f86d081884c7d65"
    ),
    "sums": "x+1234567890 650+253+0000 1,234,567,890 0x12345678901",
    "hotels": "hotel 64893701 telling: 64893701 tel: 123",
    "numbers no country has": "phone: 99999999999999 +999 1234567890 +7 111 99912345678",
    "tokens in documentation": (
        "AKIAIOSFODNN7EXAMPLE ghp_xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx sk-ant-xxxxxxxxxxxxxxxxxxxxxxxx"
    ),
    "no tokens": (
        "task-runner-for-everything-we-need-today-and-more mask-image disk-space-of-the-whole-machine"
    ),
    "a key's form within something longer": (
        "xSK8f3b2c9d7e1a4f6b0c5d8e2a9f7b3c1d SK8f3b2c9d7e1a4f6b0c5d8e2a9f7b3c1dE zAKIAQ3EGVX7T5RZL2MNB"
    ),
    "a public key": "-----BEGIN PUBLIC KEY----- ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAI",
    "placeholders": (
        'password = "changeme" password: "<your password>" PASSWORD=${DB_PASSWORD} token="{token}" pwd="%s"'
    ),
    "words for secrets": 'password = "password" secret: "secret" token = "test-token-1" passwd = "********"',
    "code": "token = read_token(path) password: str | None = None; secret=secrets.token_hex(32) KEY=value",
    "names of tokens": (
        'token = "session_token_name" api_key="openai.api.key.name" secret_file = "/run/secrets/api_token_2"'
    ),
    "a file in a list": '["/etc/passwd", "ftp://127.0.0.1"]',
    "where a token is": 'token_url = "https://auth.example.com/oauth2/token" TOKEN_FILE=./secrets/token2',
    "an app password to fill in": "APP_PASSWORD=xxxx xxxx xxxx xxxx",
    "prose": (
        "The token is one-time and bound to the tree. The password is required. password: see the manual"
    ),
    "messages": '{"password": "Enter your password", "token": "The token has expired"}',
    "letters for a field": '{"password": "Passwort"} password: "required"',
    "a passphrase with words": 'passphrase = "correct horse battery staple"',
    "an authorization to fill in": (
        "Authorization: Bearer $CCMUX_TOKEN_OF_THE_DAEMON Basic information-about-authentication"
    ),
    "homes of nobody": (
        "/home/user/x /home/you /Users/alice/ /home/runner/work C:\\Users\\username\\x /home/$USER"
        " /home/<name>"
    ),
    "no homes": (
        "https://shop.de/home/products tests/home/stand.py $ROOT/home/x ~/home/x /home/ /homely/x"
        " the-home-page-x"
    ),
    "homes of patterns": "/home/*/x /home/{name}/x /home/... /home/2026",
    "hosts of nobody": (
        "localhost.localdomain host.docker.internal metadata.google.internal api.svc.cluster.local"
    ),
    "names in code": (
        "threading.local() settings.local self.internal django.utils.internal .env.local ~/.local/share"
    ),
    "hosts for examples": "ssh my-host.local http://server.example.local/",
    "nothing": "",
}
"""Name to a text in which nothing must be found."""

SOMEBODYS = {
    "path": {
        "a user that documentation knows": "/home/bob/notes.txt",
        "another": "cd /Users/alice",
        "of a machine in a cloud": "/home/ubuntu/x",
        "on Windows": "C:\\Users\\dev\\x",
        "of digits": "/home/2026/x",
        "Claude's folder of a project": "-home-dev-work",
    },
    "host": {
        "a name alone": "is kitchen.local up",
        "in capitals": "NAS.LAN",
        "with an underscore": "my_nas.local:8080",
        "what documentation calls a host": "ssh my-host.local",
        "a server": "server.lan",
        "of a company": "wiki.internal",
        "of a cluster": "payments.prod.svc.cluster.local",
        "an address": "http://192.168.178.20:8080/",
        "another": "ping 10.1.2.3.",
        "one of a container": "DB=172.17.0.2",
        "one of a tailnet": "100.101.102.103",
        "one that nobody gave": "169.254.10.20",
        "one of version 6": "[fd12:3456:789a::1]:80",
        "one of a link": "fe80::1ff:fe23:4567:890a%eth0",
        "in CJK": "连接192.168.1.7失败",
    },
}
"""Kind to name to a text that may stand in a repository, and in which just that one is found strictly."""

EVERYBODYS = {
    "addresses of this machine and of the world": "127.0.0.1 0.0.0.0 ::1 8.8.8.8 192.169.0.1",
    "addresses beside private ones": "172.15.0.1 172.32.0.1 100.63.0.1 100.128.0.1",
    "versions": "v10.1.2.3 1.10.1.2.3 10.1.2 10.1.2.3.4 10.1.2.333",
    "hosts": "localhost.localdomain host.docker.internal metadata.google.internal",
    "times and hashes": "12:30:45 feed:beef::1 fd12 sha256:fd12ab",
    "names in code": "threading.local() settings.local.json .env.local ~/.local/share Path.home",
    "homes of patterns": "/home/*/x /home/{name}/x /home/... /home/$USER /home/<name> ~/home/x",
    "documented addresses": INNOCENT["documented addresses"],
}
"""Name to a text in which nothing must be found strictly either."""

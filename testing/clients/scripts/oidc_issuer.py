"""An OpenID Connect issuer on this machine, for the time of a test: `oidc_issuer.py TOKEN_FILE URL_FILE`.

Writes its URL and an ID token, and then serves its discovery document and its keys. RSA is done by hand, so that the
test needs no package; the key is of no use for anything else.
"""

import base64
import hashlib
import http.server
import json
import sys
import time

N = 0xc84a8ef9b7d6513d9f48915fd0720e7f0716b22017ed40dd6d2c03de58ccb32377bc270755443976a3b901e425d913be82368240f88d26a283ace272885a4f24dd4390b8b6b643cff6bd13b50de04019faf420056bc3a9cc4a220b434a21cd07ff7d3822d3fbb11c208e5a6419710cc2fc0a96cb4e7e54086372d46fb2f0d7905ef15b6582f8c2bae5a6b99dcd0e17d7bf3a6f22d794a4383cf823ee0ea2a60958653dd9ab3ab0236ea10ff1338a6f2599eade0116ad0b08f113e75317eb47164d948c5340f704421aba44320f2e02305c0fe17a8ac7205a467243e15269d2037db3dbf140a317b8ffdffd95a8f646f760f770e430c02fe898c265b232c37cef
E = 65537
D = 0x216da033396581a5a1420151567ed2c08cb453025c3bf2c98201089c4181d89c20cdbc4dd30351fbe51369a76451b8a3e123abd5a0261ebe9cef6bd3e5c1fcd7903e48972b977bf5e79e62fda2d53c9d996ec9315e6d0797daff9795a177c6ba80ffab30d4e47b08d0be3183e76320d8222cba423055913cdd2c3b1c716714f2eddf3477b11cb3c12f49f8bc5b9edbd01d93ea9823cbe8c59cb30a0d7e32c325b5cf6f51401b1ed02894571e99b8cea0d14e71298fdfee6470ebb3eb0178b02a8d1df7774aa46f9f9d30a45d886bb185e399ec2cd47ef2c49ac6051540f724cf4919c309015490a9aa7ccacda4025bacf40d1523ff16fc36b928413d22b06611
SHA256 = bytes.fromhex("3031300d060960864801650304020105000420")


def b64(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def sign(message):
    digest = SHA256 + hashlib.sha256(message).digest()
    size = (N.bit_length() + 7) // 8
    padded = b"\x00\x01" + b"\xff" * (size - len(digest) - 3) + b"\x00" + digest
    return pow(int.from_bytes(padded, "big"), D, N).to_bytes(size, "big")


def token(issuer):
    now = int(time.time())
    claims = {"iss": issuer, "sub": "repo:org/app", "aud": "sts.amazonaws.com", "iat": now, "exp": now + 86400}
    header = {"alg": "RS256", "kid": "one", "typ": "JWT"}
    message = ".".join(b64(json.dumps(part).encode()) for part in (header, claims))
    return message + "." + b64(sign(message.encode()))


class Issuer(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        issuer = self.server.issuer
        size = (N.bit_length() + 7) // 8
        key = {"kty": "RSA", "kid": "one", "use": "sig", "alg": "RS256"}
        key.update(n=b64(N.to_bytes(size, "big")), e=b64(E.to_bytes(3, "big")))
        pages = {
            "/.well-known/openid-configuration": {"issuer": issuer, "jwks_uri": issuer + "/keys"},
            "/keys": {"keys": [key]},
        }
        page = json.dumps(pages.get(self.path, {})).encode()
        self.send_response(200 if self.path in pages else 404)
        self.send_header("content-length", str(len(page)))
        self.end_headers()
        self.wfile.write(page)

    def log_message(self, *_):
        pass


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Issuer)
server.issuer = "http://127.0.0.1:%d" % server.server_port
with open(sys.argv[1], "w") as file:
    file.write(token(server.issuer))
with open(sys.argv[2], "w") as file:
    file.write(server.issuer)
server.serve_forever()

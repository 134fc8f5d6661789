"""Identity across borders by boto3: web identity tokens that others verify, and an issuer behind TLS whose authority the
program was told to trust (SSL_CERT_FILE).

`boto3_federation.py authority DIR` makes that authority and a certificate for localhost; `boto3_federation.py DIR` runs.
"""

import base64
import datetime
import http.server
import json
import pathlib
import ssl
import sys
import threading
import time

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa, utils
from cryptography.x509.oid import NameOID

folder = pathlib.Path(sys.argv[-1])


def make_authority():
    def name(text):
        return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])

    def certificate(subject, issuer, key, signer, extension):
        now = datetime.datetime.now(datetime.timezone.utc)
        builder = x509.CertificateBuilder().subject_name(name(subject)).issuer_name(name(issuer)).public_key(key.public_key())
        builder = builder.serial_number(x509.random_serial_number()).add_extension(extension, critical=False)
        builder = builder.not_valid_before(now - datetime.timedelta(days=1)).not_valid_after(now + datetime.timedelta(days=30))
        return builder.sign(signer, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)

    authority, own = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    constraints = x509.BasicConstraints(ca=True, path_length=0)
    (folder / "authority.pem").write_bytes(certificate("own authority", "own authority", authority, authority, constraints))
    names = x509.SubjectAlternativeName([x509.DNSName("localhost")])
    (folder / "issuer.pem").write_bytes(certificate("localhost", "own authority", own, authority, names))
    (folder / "issuer.key").write_bytes(own.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()))


if sys.argv[1] == "authority":
    make_authority()
    sys.exit()

import boto3
import requests
from botocore.exceptions import ClientError


def refused(code, call, **arguments):
    try:
        call(**arguments)
    except ClientError as error:
        assert error.response["Error"]["Code"] == code, error.response["Error"]
        return error.response["Error"]["Message"]
    raise AssertionError(f"{code} was expected")


def b64(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def unb64(text):
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def verify(token):
    """As a relying party does, with nothing but the token's issuer."""
    head, body, signature = token.split(".")
    header, claims = json.loads(unb64(head)), json.loads(unb64(body))
    discovery = requests.get(claims["iss"] + "/.well-known/openid-configuration", timeout=5).json()
    assert discovery["issuer"] == claims["iss"] and header["alg"] in discovery["id_token_signing_alg_values_supported"]
    keys = requests.get(discovery["jwks_uri"], timeout=5).json()["keys"]
    key = next(key for key in keys if key["kid"] == header["kid"])
    number = lambda name: int.from_bytes(unb64(key[name]), "big")
    message, signature = f"{head}.{body}".encode(), unb64(signature)
    if header["alg"] == "RS256":
        public = rsa.RSAPublicNumbers(number("e"), number("n")).public_key()
        public.verify(signature, message, padding.PKCS1v15(), hashes.SHA256())
    else:
        public = ec.EllipticCurvePublicNumbers(number("x"), number("y"), ec.SECP384R1()).public_key()
        parts = (int.from_bytes(signature[:48], "big"), int.from_bytes(signature[48:], "big"))
        public.verify(utils.encode_dss_signature(*parts), message, ec.ECDSA(hashes.SHA384()))
    assert claims["exp"] > time.time() >= claims["iat"] - 5
    return claims


iam, sts = boto3.client("iam"), boto3.client("sts")

# Outbound: off at first, then tokens of both algorithms, for users and sessions.
wanted = {"Audience": ["https://api.example.com"], "SigningAlgorithm": "ES384"}
refused("OutboundWebIdentityFederationDisabledException", sts.get_web_identity_token, **wanted)
refused("FeatureDisabled", iam.get_outbound_web_identity_federation_info)
issuer = iam.enable_outbound_web_identity_federation()["IssuerIdentifier"]
info = iam.get_outbound_web_identity_federation_info()
assert info["IssuerIdentifier"] == issuer and info["JwtVendingEnabled"]
for algorithm in ("ES384", "RS256"):
    made = sts.get_web_identity_token(**{**wanted, "SigningAlgorithm": algorithm}, DurationSeconds=60, Tags=[{"Key": "job", "Value": "7"}])
    claims = verify(made["WebIdentityToken"])
    own = claims["https://sts.amazonaws.com/"]
    assert claims["iss"] == issuer and claims["aud"] == "https://api.example.com" and claims["exp"] - claims["iat"] == 60
    assert own["aws_account"] == "000000000000" and own["request_tags"] == {"job": "7"}, claims
trust = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": {"AWS": "000000000000"}, "Action": "sts:AssumeRole"}]}
role = iam.create_role(RoleName="work", AssumeRolePolicyDocument=json.dumps(trust), Tags=[{"Key": "team", "Value": "sky"}])["Role"]["Arn"]
iam.create_user(UserName="dev")
may = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": ["sts:AssumeRole", "sts:GetWebIdentityToken"], "Resource": "*"}]}
iam.put_user_policy(UserName="dev", PolicyName="p", PolicyDocument=json.dumps(may))
iam.put_role_policy(RoleName="work", PolicyName="p", PolicyDocument=json.dumps(may))
key = iam.create_access_key(UserName="dev")["AccessKey"]
dev = boto3.Session(key["AccessKeyId"], key["SecretAccessKey"])
assert verify(dev.client("sts").get_web_identity_token(**wanted)["WebIdentityToken"])["sub"] == "arn:aws:iam::000000000000:user/dev"
got = dev.client("sts").assume_role(RoleArn=role, RoleSessionName="session", DurationSeconds=900)["Credentials"]
session = boto3.Session(got["AccessKeyId"], got["SecretAccessKey"], got["SessionToken"]).client("sts")
claims = verify(session.get_web_identity_token(**wanted)["WebIdentityToken"])
assert claims["sub"] == role and claims["https://sts.amazonaws.com/"]["principal_tags"] == {"team": "sky"}, claims
refused("SessionDurationEscalationException", session.get_web_identity_token, **wanted, DurationSeconds=3600)
refused("AccessDenied", session.get_web_identity_token, **wanted, Tags=[{"Key": "job", "Value": "7"}])
iam.disable_outbound_web_identity_federation()
refused("OutboundWebIdentityFederationDisabledException", sts.get_web_identity_token, **wanted)

# Inbound, from an issuer whose authority the program trusts; no thumbprint.
signer = rsa.generate_private_key(65537, 2048)


class Issuer(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        numbers = signer.public_key().public_numbers()
        key = {"kty": "RSA", "kid": "one", "n": b64(numbers.n.to_bytes(256, "big")), "e": b64(numbers.e.to_bytes(3, "big"))}
        discovery = {"issuer": url, "jwks_uri": url + "/keys"}
        page = json.dumps(discovery if self.path.startswith("/.well-known/") else {"keys": [key]}).encode()
        self.send_response(200)
        self.send_header("content-length", str(len(page)))
        self.end_headers()
        self.wfile.write(page)

    def log_message(self, *_):
        pass


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Issuer)
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain(folder / "issuer.pem", folder / "issuer.key")
server.socket = context.wrap_socket(server.socket, server_side=True)
url = f"https://localhost:{server.server_port}"
threading.Thread(target=server.serve_forever, daemon=True).start()


def token(**more):
    now = int(time.time())
    claims = {"iss": url, "sub": "repo:org/app", "aud": "sts.amazonaws.com", "iat": now, "exp": now + 600, **more}
    message = ".".join(b64(json.dumps(part).encode()) for part in ({"alg": "RS256", "kid": "one"}, claims))
    return message + "." + b64(signer.sign(message.encode(), padding.PKCS1v15(), hashes.SHA256()))


provider = iam.create_open_id_connect_provider(Url=url, ClientIDList=["sts.amazonaws.com"])["OpenIDConnectProviderArn"]
place = url.removeprefix("https://")
trust = {"Version": "2012-10-17", "Statement": [{
    "Effect": "Allow", "Principal": {"Federated": provider}, "Action": "sts:AssumeRoleWithWebIdentity",
    "Condition": {"StringEquals": {f"{place}:aud": "sts.amazonaws.com"}, "StringLike": {f"{place}:sub": "repo:org/*"}}}]}
ci = iam.create_role(RoleName="ci", AssumeRolePolicyDocument=json.dumps(trust))["Role"]["Arn"]
assume = {"RoleArn": ci, "RoleSessionName": "build"}
made = sts.assume_role_with_web_identity(**assume, WebIdentityToken=token())
assert made["SubjectFromWebIdentityToken"] == "repo:org/app" and made["Provider"] == provider
refused("AccessDenied", sts.assume_role_with_web_identity, **assume, WebIdentityToken=token(sub="repo:eve/app"))
refused("InvalidIdentityToken", sts.assume_role_with_web_identity, **assume, WebIdentityToken=token(aud="other"))
refused("ExpiredTokenException", sts.assume_role_with_web_identity, **assume, WebIdentityToken=token(exp=int(time.time()) - 1))
print("boto3 federation: ok")

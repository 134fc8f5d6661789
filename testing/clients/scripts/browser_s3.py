"""A page in headless Chromium that uploads to S3: by form, by fetch, by presigned URL; CORS lets it, or does not."""

import json
import os
import queue
import subprocess
import sys
import tempfile
import threading
import urllib.parse
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import boto3
from botocore.config import Config

s3 = boto3.client("s3", config=Config(s3={"addressing_style": "path"}, signature_version="s3v4"))
results, arrived = queue.Queue(), queue.Queue()

PAGE = """<!doctype html><title>upload</title><iframe name="frame"></iframe><script>
const given = GIVEN;
const said = {};
async function attempt(name, work) {
  try { said[name] = await work(); } catch (error) { said[name] = String(error.name); }
}
function data(post, text) {
  const form = new FormData();
  for (const [name, value] of Object.entries(post.fields)) form.append(name, value);
  form.append("file", new Blob([text], { type: "text/plain" }), "from the page.txt");
  return form;
}
async function told(answer, ...headers) {
  return [answer.status, await answer.text(), ...headers.map((name) => answer.headers.get(name))];
}
// A form as HTML has it, without any script of the sender's: the answer is a page in the frame.
function submitted(post, text) {
  const form = document.createElement("form");
  Object.assign(form, { action: post.url, method: "post", enctype: "multipart/form-data", target: "frame" });
  for (const [name, value] of Object.entries(post.fields)) {
    form.append(Object.assign(document.createElement("input"), { type: "hidden", name, value }));
  }
  const file = Object.assign(document.createElement("input"), { type: "file", name: "file" });
  const chosen = new DataTransfer();
  chosen.items.add(new File([text], "chosen \\ud558\\ub298.txt", { type: "text/plain" }));
  file.files = chosen.files;
  form.append(file);
  document.body.append(form);
  return new Promise((done) => {
    document.querySelector("iframe").onload = () => done("loaded");
    form.submit();
  });
}
(async () => {
  await attempt("form by fetch", async () =>
    told(await fetch(given.post.url, { method: "POST", body: data(given.post, "by fetch") }), "etag", "x-amz-request-id"));
  await attempt("form too large", async () =>
    told(await fetch(given.post.url, { method: "POST", body: data(given.post, "x".repeat(2000)) })));
  await attempt("put", async () =>
    told(await fetch(given.put, { method: "PUT", body: "by put", headers: { "x-amz-meta-who": "page" } }), "etag"));
  await attempt("get", async () => told(await fetch(given.get), "content-type", "x-amz-meta-who"));
  await attempt("range", async () => told(await fetch(given.get, { headers: { range: "bytes=3-5" } }), "content-range"));
  await attempt("method not allowed", async () => told(await fetch(given.delete, { method: "DELETE" })));
  await attempt("header not allowed", async () => told(await fetch(given.get, { headers: { "x-other": "1" } })));
  await attempt("bucket without CORS", async () => told(await fetch(given.closed)));
  await attempt("the error of a missing key", async () => told(await fetch(given.missing)));
  await attempt("form", () => submitted(given.redirecting, "by form"));
  await fetch("/result", { method: "POST", body: JSON.stringify(said) });
})();
</script>"""


class Page(BaseHTTPRequestHandler):
    def log_message(self, *_):
        pass

    def answer(self, body):
        self.send_response(200)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self):
        if self.path.startswith("/done"):
            arrived.put(self.path)
        self.answer(PAGE.replace("GIVEN", json.dumps(given)).encode() if self.path == "/" else b"done")

    def do_POST(self):
        results.put(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
        self.answer(b"")


server = ThreadingHTTPServer(("127.0.0.1", 0), Page)
origin = f"http://127.0.0.1:{server.server_address[1]}"
threading.Thread(target=server.serve_forever, daemon=True).start()

for bucket in ("uploads", "closed"):
    s3.create_bucket(Bucket=bucket)
s3.put_object(Bucket="closed", Key="k", Body=b"nothing for pages")
s3.put_bucket_cors(Bucket="uploads", CORSConfiguration={"CORSRules": [{
    "AllowedOrigins": [origin], "AllowedMethods": ["GET", "PUT", "POST"],
    "AllowedHeaders": ["x-amz-*", "range", "content-type"], "ExposeHeaders": ["ETag", "Content-Range", "x-amz-meta-who"],
    "MaxAgeSeconds": 60,
}]})


def post(prefix, *conditions, **fields):
    conditions = [["starts-with", "$key", prefix], ["content-length-range", 1, 1000], *conditions]
    conditions += [{name: value} for name, value in fields.items()]
    return s3.generate_presigned_post("uploads", prefix + "${filename}", Fields=fields, Conditions=conditions)


def presigned(operation, bucket="uploads", key="put.txt", **more):
    return s3.generate_presigned_url(operation, Params={"Bucket": bucket, "Key": key, **more}, ExpiresIn=600)


given = {
    "post": post("fetch/"),
    "redirecting": post("form/", success_action_redirect=origin + "/done"),
    "put": presigned("put_object", Metadata={"who": "page"}),
    "get": presigned("get_object"),
    "delete": presigned("delete_object"),
    "closed": presigned("get_object", "closed", "k"),
    "missing": presigned("get_object", key="missing"),
}
with tempfile.TemporaryDirectory() as profile:
    # Its sandbox wants a user that is not root; what it shows here is our own page.
    browser = subprocess.Popen(
        [os.environ.get("HANEUL_BROWSER", "chromium-headless-shell"), "--headless", "--no-sandbox", "--disable-gpu",
         "--disable-dev-shm-usage", f"--user-data-dir={profile}", "--remote-debugging-port=0", origin + "/"],
        stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    try:
        said = results.get(timeout=120)
    except queue.Empty:
        browser.kill()
        sys.exit("the page did not come to its end: " + browser.stderr.read()[-2000:])
    finally:
        browser.kill()
        browser.wait()

etag = s3.head_object(Bucket="uploads", Key="fetch/from the page.txt")["ETag"]
assert said["form by fetch"] == [204, "", etag, None], said["form by fetch"]
status, text = said["form too large"]
assert status == 400 and "<Code>EntityTooLarge</Code>" in text, said["form too large"]
head = s3.head_object(Bucket="uploads", Key="put.txt")
assert said["put"] == [200, "", head["ETag"]] and head["Metadata"] == {"who": "page"}, (said["put"], head)
assert said["get"] == [200, "by put", head["ContentType"], "page"], said["get"]
assert said["range"] == [206, "put", "bytes 3-5/6"], said["range"]
for name in ("method not allowed", "header not allowed", "bucket without CORS"):
    assert said[name] == "TypeError", (name, said[name])
status, text = said["the error of a missing key"]
assert status == 404 and "<Code>NoSuchKey</Code>" in text, said["the error of a missing key"]
assert said["form"] == "loaded", said["form"]
to = urllib.parse.urlsplit(arrived.get(timeout=10))
key = "form/chosen \ud558\ub298.txt"
head = s3.head_object(Bucket="uploads", Key=key)
assert urllib.parse.parse_qs(to.query) == {"bucket": ["uploads"], "key": [key], "etag": [head["ETag"]]}, to
assert s3.get_object(Bucket="uploads", Key=key)["Body"].read() == b"by form"
keys = [found["Key"] for found in s3.list_objects_v2(Bucket="uploads")["Contents"]]
assert keys == ["fetch/from the page.txt", key, "put.txt"], keys
print("ok")

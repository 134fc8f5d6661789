# The bootstrap of the managed Python runtimes: asks the Runtime API for events and calls the handler.
# Written for Python 3.8 and later; only the standard library, and little of it, because each import is cold start.
import builtins
import json
import logging
import os
import socket
import sys
import time

import _sitebuiltins

for _name in ("quit", "exit"):
    setattr(builtins, _name, _sitebuiltins.Quitter(_name, "Ctrl-D (i.e. EOF)"))

_FRAME = b"\xa5\x5a\x00\x03"


class _Api:
    """The Runtime API over one connection that is kept."""

    def __init__(self):
        host, _, port = os.environ["AWS_LAMBDA_RUNTIME_API"].partition(":")
        self._address = (host, int(port or 80))
        self._connect()

    def _connect(self):
        self._socket = socket.create_connection(self._address)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._rest = b""

    def call(self, method, path, headers="", body=b""):
        head = "%s /2018-06-01/runtime%s HTTP/1.1\r\nHost: runtime\r\n%sContent-Length: %d\r\n\r\n" % (
            method, path, headers, len(body))
        self._socket.sendall(head.encode("latin-1") + body)
        data = self._rest
        while b"\r\n\r\n" not in data:
            data += self._more()
        head, _, data = data.partition(b"\r\n\r\n")
        lines = head.decode("latin-1").split("\r\n")
        headers = {}
        for line in lines[1:]:
            name, _, value = line.partition(":")
            headers[name.lower()] = value.strip()
        length = int(headers.get("content-length", "0"))
        parts, have = [data], len(data)
        while have < length:
            part = self._more()
            parts.append(part)
            have += len(part)
        data = b"".join(parts)
        self._rest = data[length:]
        return int(lines[0].split(" ")[1]), headers, data[:length]

    def _more(self):
        part = self._socket.recv(1 << 20)
        if not part:
            # We were told to go.
            os._exit(0)
        return part


class _CognitoIdentity:
    __slots__ = ["cognito_identity_id", "cognito_identity_pool_id"]

    def __init__(self, given):
        given = given or {}
        self.cognito_identity_id = given.get("cognitoIdentityId")
        self.cognito_identity_pool_id = given.get("cognitoIdentityPoolId")


class _Client:
    __slots__ = ["installation_id", "app_title", "app_version_name", "app_version_code", "app_package_name"]

    def __init__(self, given):
        for name in self.__slots__:
            setattr(self, name, given.get(name))


class _ClientContext:
    __slots__ = ["custom", "env", "client"]

    def __init__(self, given):
        self.custom = given.get("custom")
        self.env = given.get("env")
        self.client = _Client(given["client"]) if given.get("client") else None


class LambdaContext:
    def __init__(self, request_id, headers):
        client_context = headers.get("lambda-runtime-client-context")
        identity = headers.get("lambda-runtime-cognito-identity")
        self.aws_request_id = request_id
        self.log_group_name = os.environ.get("AWS_LAMBDA_LOG_GROUP_NAME")
        self.log_stream_name = os.environ.get("AWS_LAMBDA_LOG_STREAM_NAME")
        self.function_name = os.environ.get("AWS_LAMBDA_FUNCTION_NAME")
        self.memory_limit_in_mb = os.environ.get("AWS_LAMBDA_FUNCTION_MEMORY_SIZE")
        self.function_version = os.environ.get("AWS_LAMBDA_FUNCTION_VERSION")
        self.invoked_function_arn = headers.get("lambda-runtime-invoked-function-arn")
        self.tenant_id = headers.get("lambda-runtime-aws-tenant-id")
        self.client_context = _ClientContext(json.loads(client_context)) if client_context else None
        self.identity = _CognitoIdentity(json.loads(identity) if identity else None)
        self._epoch_deadline_time_in_ms = int(headers.get("lambda-runtime-deadline-ms", "0"))

    def get_remaining_time_in_millis(self):
        return max(self._epoch_deadline_time_in_ms - int(time.time() * 1000), 0)

    def log(self, message):
        for stream in (sys.stdout,):
            stream.write(str(message))
            stream.flush()

    def __repr__(self):
        shown = ["%s=%s" % (name, value) for name, value in vars(self).items() if not name.startswith("_")]
        return "LambdaContext([%s])" % ",".join(shown)


_request_id = None


def _write_frame(text):
    """One log event of any number of lines, in order with what was printed."""
    sys.stdout.flush()
    data = text.encode("utf-8", "backslashreplace")
    # Of several processes that write at the same time each event is a line of JSON. Up to 4,096 bytes are put into the pipe
    # as one (pipe(7)); a longer line may come with others in between.
    if not _MANAGED:
        stamp = int(time.time() * 1000000)
        data = _FRAME + len(data).to_bytes(4, "big") + stamp.to_bytes(8, "big") + data
    while data:
        data = data[os.write(1, data):]


_MANAGED = os.environ.get("AWS_LAMBDA_INITIALIZATION_TYPE") == "lambda-managed-instances"
_JSON_LOGS = os.environ.get("AWS_LAMBDA_LOG_FORMAT") == "JSON"
_STANDARD = frozenset(
    "args asctime aws_request_id created exc_info exc_text filename funcName levelname levelno lineno message module "
    "msecs msg name pathname process processName relativeCreated stack_info taskName thread threadName".split())


class _Handler(logging.Handler):
    def emit(self, record):
        try:
            record.aws_request_id = _request_id
            _write_frame(self.format(record))
        except Exception:
            self.handleError(record)


class _JsonFormatter(logging.Formatter):
    def format(self, record):
        entry = {
            "timestamp": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(record.created)),
            "level": record.levelname,
            "message": record.getMessage(),
            "logger": record.name,
        }
        if record.exc_info:
            kind, value, trace = record.exc_info
            entry["stackTrace"] = _stack(trace)
            entry["errorType"] = kind.__name__ if kind else None
            entry["errorMessage"] = str(value)
            entry["location"] = "%s:%s:%d" % (record.pathname, record.funcName, record.lineno)
        if _request_id:
            entry["requestId"] = _request_id
        for name, value in vars(record).items():
            if name not in _STANDARD and name not in entry:
                entry[name] = value
        return json.dumps(entry, default=str) + "\n"


def _set_up_logging():
    handler = _Handler()
    root = logging.getLogger()
    if _JSON_LOGS:
        handler.setFormatter(_JsonFormatter())
        level = os.environ.get("AWS_LAMBDA_LOG_LEVEL", "INFO")
        root.setLevel({"TRACE": "DEBUG", "WARN": "WARNING", "FATAL": "CRITICAL"}.get(level, level))
    else:
        formatter = logging.Formatter(
            "[%(levelname)s]\t%(asctime)s.%(msecs)dZ\t%(aws_request_id)s\t%(message)s\n", "%Y-%m-%dT%H:%M:%S")
        formatter.converter = time.gmtime
        handler.setFormatter(formatter)
    root.addHandler(handler)


def _stack(trace):
    import traceback
    frames = [frame for frame in traceback.extract_tb(trace) if frame.filename != __file__]
    return traceback.format_list([frame for frame in frames if not frame.filename.startswith("<frozen importlib")])


def _error(message, kind, stack=None, request_id=None):
    error = {"errorMessage": message, "errorType": kind}
    if request_id is not None:
        error["requestId"] = request_id
    error["stackTrace"] = stack or []
    return error


def _log_error(error):
    if _JSON_LOGS:
        entry = {"timestamp": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()), "log_level": "ERROR"}
        entry.update(error)
        if _MANAGED and _request_id:
            entry["requestId"] = _request_id
        return _write_frame(json.dumps(entry) + "\n")
    text = "[ERROR] %s: %s" % (error["errorType"], error["errorMessage"])
    if error["stackTrace"]:
        text += "\nTraceback (most recent call last):\n" + "".join(error["stackTrace"])
    _write_frame(text.rstrip("\n") + "\n")


class _InitError(Exception):
    def __init__(self, error):
        self.error = error


def _load(handler):
    module_name, dot, function_name = handler.rpartition(".")
    if not dot:
        message = "Bad handler '%s': not enough values to unpack (expected 2, got 1)" % handler
        raise _InitError(_error(message, "Runtime.MalformedHandlerName", request_id=""))
    import importlib
    try:
        module = importlib.import_module(module_name.replace("/", "."))
    except ImportError as error:
        message = "Unable to import module '%s': %s" % (module_name, error)
        raise _InitError(_error(message, "Runtime.ImportModuleError", request_id=""))
    except SyntaxError as error:
        message = "Syntax error in module '%s': %s" % (module_name, error)
        stack = ['  File "%s" Line %s\n    %s\n' % (error.filename, error.lineno, (error.text or "").strip())]
        raise _InitError(_error(message, "Runtime.UserCodeSyntaxError", stack, ""))
    except SystemExit:
        raise
    except BaseException as error:
        kind, value, trace = sys.exc_info()
        raise _InitError(_error(str(value), kind.__name__, _stack(trace), ""))
    try:
        return getattr(module, function_name)
    except AttributeError:
        message = "Handler '%s' missing on module '%s'" % (function_name, module_name)
        raise _InitError(_error(message, "Runtime.HandlerNotFound", request_id=""))


def _json_default(value):
    import decimal
    if isinstance(value, decimal.Decimal):
        return float(value)
    raise TypeError("Object of type %s is not JSON serializable" % type(value).__name__)


def _fault(api, request_id, error):
    _log_error(error)
    headers = "Lambda-Runtime-Function-Error-Type: %s\r\nContent-Type: application/json\r\n" % error["errorType"]
    api.call("POST", "/invocation/%s/error" % request_id, headers, json.dumps(error).encode())


# An environment of a capacity provider has a process for each event that it may work on at a time. What the others see of one
# is a slot in memory that they share: how far it is, and the id of the event that it works on.
_SLOT = 64
_READY, _WORKED = 1, 2


class _Slot:
    def __init__(self, shared, number):
        self._shared, self._at = shared, number * _SLOT
        # Processes that ended before they had an event, one after the other; and whether the last one never was ready.
        self.idle_ends, self.unready = 0, False

    def ready(self):
        self._shared[self._at] = _READY

    def work_on(self, request_id):
        data = request_id.encode("latin-1")[:_SLOT - 1]
        self._shared[self._at + 1:self._at + _SLOT] = data.ljust(_SLOT - 1, b"\0")
        if data:
            self._shared[self._at] = _WORKED

    def read(self):
        data = self._shared[self._at:self._at + _SLOT]
        return data[0], data[1:].rstrip(b"\0").decode("latin-1")

    def clear(self):
        self._shared[self._at:self._at + _SLOT] = bytes(_SLOT)

    def pause(self):
        """Seconds before the next process. One that only ends again and again is given ever more time."""
        return min(0.1 * 2 ** min(self.idle_ends, 10), 10) if self.idle_ends > 1 or self.unready else 0


def _supervise(workers):
    """Keeps that many processes, and says of one that ended what became of its event."""
    import mmap
    shared, running, api = mmap.mmap(-1, workers * _SLOT), {}, None
    slots = [_Slot(shared, number) for number in range(workers)]

    def begin(slot):
        slot.clear()
        pause = slot.pause()
        pid = os.fork()
        if pid == 0:
            try:
                time.sleep(pause)
                _serve(slot)
            finally:
                os._exit(1)
        running[pid] = slot

    for slot in slots:
        begin(slot)
    while True:
        pid, status = os.wait()
        slot = running.pop(pid, None)
        if slot is None:
            continue
        stage, request_id = slot.read()
        slot.idle_ends = 0 if stage == _WORKED else slot.idle_ends + 1
        slot.unready = not stage
        if all(other.unready and not other.read()[0] for other in slots):
            # None can begin, and who could has said why.
            import signal
            for pid in running:
                os.kill(pid, signal.SIGKILL)
            os._exit(1)
        if request_id:
            code = os.waitstatus_to_exitcode(status)
            how = "exit status %d" % code if code > 0 else "without providing a reason"
            if code < 0:
                import signal
                how = "signal: %s" % (signal.strsignal(-code) or -code).lower()
            how = "Runtime exited with error: " + how if code else "Runtime exited " + how
            message = "RequestId: %s Error: %s" % (request_id, how)
            error = {"errorType": "Runtime.ExitError", "errorMessage": message}
            api = api or _Api()
            headers = "Lambda-Runtime-Function-Error-Type: Runtime.ExitError\r\nContent-Type: application/json\r\n"
            api.call("POST", "/invocation/%s/error" % request_id, headers, json.dumps(error).encode())
        begin(slot)


def main():
    workers = int(os.environ.get("AWS_LAMBDA_MAX_CONCURRENCY") or 1) if _MANAGED else 1
    if workers > 1:
        _supervise(workers)
    _serve(None)


def _serve(slot):
    global _request_id
    for stream in (sys.stdout, sys.stderr):
        # What was printed is seen even of a function that is killed.
        stream.reconfigure(line_buffering=True)
    api = _Api()
    root = os.environ["LAMBDA_TASK_ROOT"]
    version = "python%d.%d" % sys.version_info[:2]
    opt = os.environ.get("HANEUL_OPT", "/opt")
    sys.path[0:0] = [root, "%s/python/lib/%s/site-packages" % (opt, version), opt + "/python"]
    here = os.path.dirname(os.path.abspath(__file__))
    sys.path[:] = [path for path in sys.path if path != here]
    _set_up_logging()
    try:
        handler = _load(os.environ["_HANDLER"])
    except _InitError as failed:
        _log_error(failed.error)
        headers = "Lambda-Runtime-Function-Error-Type: %s\r\n" % failed.error["errorType"]
        api.call("POST", "/init/error", headers, json.dumps(failed.error).encode())
        sys.stdout.flush()
        os._exit(1)
    decode, encode = json.loads, json.dumps
    # Since 3.12 AWS leaves letters of other scripts as they are.
    ascii_only = sys.version_info < (3, 12)
    environ = os.environ
    if slot:
        slot.ready()
    while True:
        if slot:
            slot.work_on("")
        _, headers, body = api.call("GET", "/invocation/next")
        request_id = _request_id = headers.get("lambda-runtime-aws-request-id")
        if not request_id:
            # The environment ends.
            os._exit(0)
        if slot:
            slot.work_on(request_id)
        trace = headers.get("lambda-runtime-trace-id")
        if trace:
            environ["_X_AMZN_TRACE_ID"] = trace
        else:
            environ.pop("_X_AMZN_TRACE_ID", None)
        try:
            event = decode(body.decode("utf-8"))
        except Exception as error:
            _fault(api, request_id, _error("Unable to unmarshal input: %s" % error, "Runtime.UnmarshalError",
                                           request_id=request_id))
            continue
        try:
            result = handler(event, LambdaContext(request_id, headers))
        except SystemExit as left:
            sys.stdout.flush()
            sys.stderr.flush()
            code = left.code
            os._exit(code if isinstance(code, int) else (0 if code is None else 1))
        except BaseException:
            kind, value, trace = sys.exc_info()
            _fault(api, request_id, _error(str(value), kind.__name__, _stack(trace), request_id))
            continue
        try:
            answer = encode(result, ensure_ascii=ascii_only, default=_json_default).encode("utf-8")
        except Exception as error:
            message = "Unable to marshal response: %s" % error
            _fault(api, request_id, _error(message, "Runtime.MarshalError", request_id=request_id))
            continue
        sys.stdout.flush()
        sys.stderr.flush()
        status, _, refused = api.call(
            "POST", "/invocation/%s/response" % request_id, "Content-Type: application/json\r\n", answer)
        if status == 413:
            message = json.loads(refused.decode()).get("errorMessage", "")
            _log_error(_error(message, "Function.ResponseSizeTooLarge"))


main()

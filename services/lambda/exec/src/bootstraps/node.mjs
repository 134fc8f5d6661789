// The bootstrap of the managed Node.js runtimes: asks the Runtime API for events and calls the handler.
import fs from "node:fs";
import net from "node:net";
import path from "node:path";
import util from "node:util";
import { createRequire } from "node:module";
import { Writable } from "node:stream";
import { pathToFileURL } from "node:url";

const env = process.env;
const [apiHost, apiPort] = env.AWS_LAMBDA_RUNTIME_API.split(":");
const JSON_LOGS = env.AWS_LAMBDA_LOG_FORMAT === "JSON";
const LEVELS = ["TRACE", "DEBUG", "INFO", "WARN", "ERROR", "FATAL"];
// In an environment of a capacity provider worker threads take the events, each as many at a time as is its share.
const MANAGED = env.AWS_LAMBDA_INITIALIZATION_TYPE === "lambda-managed-instances";
const threads = MANAGED ? await import("node:worker_threads") : null;
const current = MANAGED ? new (await import("node:async_hooks")).AsyncLocalStorage() : null;
const LEAST = JSON_LOGS ? Math.max(0, LEVELS.indexOf(env.AWS_LAMBDA_LOG_LEVEL || "INFO")) : 0;
let requestId;

/** The Runtime API over one connection that is kept. It keeps the process alive only while an event is awaited. */
class Api {
  constructor() {
    this.rest = Buffer.alloc(0);
    this.waiting = null;
    this.socket = net.connect({ host: apiHost, port: Number(apiPort), noDelay: true });
    this.socket.on("data", (data) => {
      this.rest = this.rest.length ? Buffer.concat([this.rest, data]) : data;
      this.read();
    });
    // We were told to go.
    this.socket.on("close", () => this.left || process.exit(0));
    this.socket.on("error", () => this.left || process.exit(0));
  }

  /** No event comes over it any more. */
  leave() {
    this.left = true;
    return new Promise((resolve) => this.socket.once("close", resolve).destroy());
  }

  call(method, where, headers = {}, body = "") {
    let head = `${method} /2018-06-01/runtime${where} HTTP/1.1\r\nHost: runtime\r\n`;
    const data = Buffer.isBuffer(body) ? body : Buffer.from(body);
    for (const [name, value] of Object.entries(headers)) head += `${name}: ${value}\r\n`;
    this.socket.write(Buffer.concat([Buffer.from(`${head}Content-Length: ${data.length}\r\n\r\n`), data]));
    return this.answer();
  }

  answer() {
    this.socket.ref();
    return new Promise((resolve) => { this.waiting = resolve; this.read(); });
  }

  /** A response whose body is written piece by piece, with trailers for what goes wrong halfway. */
  begin(where, headers) {
    let head = `POST /2018-06-01/runtime${where} HTTP/1.1\r\nHost: runtime\r\nTransfer-Encoding: chunked\r\n`;
    head += "Trailer: Lambda-Runtime-Function-Error-Type, Lambda-Runtime-Function-Error-Body\r\n";
    for (const [name, value] of Object.entries(headers)) head += `${name}: ${value}\r\n`;
    this.socket.write(`${head}\r\n`);
  }

  piece(data, done) {
    if (data.length === 0) return done();
    this.socket.write(Buffer.concat([Buffer.from(`${data.length.toString(16)}\r\n`), data, Buffer.from("\r\n")]), done);
  }

  end(trailers) {
    let text = "0\r\n";
    for (const [name, value] of Object.entries(trailers)) text += `${name}: ${value}\r\n`;
    this.socket.write(`${text}\r\n`);
    return this.answer();
  }

  read() {
    if (!this.waiting) return;
    const end = this.rest.indexOf("\r\n\r\n");
    if (end < 0) return;
    const lines = this.rest.toString("latin1", 0, end).split("\r\n");
    const headers = {};
    for (const line of lines.slice(1)) {
      const colon = line.indexOf(":");
      headers[line.slice(0, colon).toLowerCase()] = line.slice(colon + 1).trim();
    }
    const length = Number(headers["content-length"] || 0);
    const begin = end + 4;
    if (this.rest.length < begin + length) return;
    const body = this.rest.subarray(begin, begin + length);
    this.rest = this.rest.subarray(begin + length);
    const resolve = this.waiting;
    this.waiting = null;
    this.socket.unref();
    resolve({ status: Number(lines[0].split(" ")[1]), headers, body });
  }
}

/** One log event of any number of lines. */
function writeFrame(text) {
  const data = Buffer.from(text.endsWith("\n") ? text : `${text}\n`);
  let frame = data;
  // Of several threads that write at the same time each event is a line of JSON. Up to 4,096 bytes are put into the pipe as one
  // (pipe(7)); a longer line may come with others in between.
  if (!MANAGED) {
    const head = Buffer.alloc(16);
    head.writeUInt32BE(0xa55a0003, 0);
    head.writeUInt32BE(data.length, 4);
    head.writeBigUInt64BE(BigInt(Date.now()) * 1000n, 8);
    frame = Buffer.concat([head, data]);
  }
  for (let at = 0; at < frame.length; ) {
    try {
      at += fs.writeSync(1, frame, at);
    } catch (error) {
      if (error.code !== "EAGAIN") return;
    }
  }
}

function errorShape(error) {
  if (error instanceof Error || (error && typeof error === "object" && "message" in error && "stack" in error)) {
    return {
      errorType: error.name || error.constructor?.name || "Error",
      errorMessage: String(error.message),
      trace: String(error.stack).split("\n"),
    };
  }
  return { errorType: typeof error, errorMessage: String(error), trace: [] };
}

function shown(error) {
  const { errorType, errorMessage, trace } = errorShape(error);
  const extra = error instanceof Error ? Object.fromEntries(Object.entries(error)) : {};
  return JSON.stringify({ errorType, errorMessage, ...extra, stack: trace });
}

function log(level, args) {
  if (LEVELS.indexOf(level) < LEAST) return;
  const now = new Date().toISOString();
  if (!JSON_LOGS) return writeFrame(`${now}\t${requestId ?? "undefined"}\t${level}\t${util.format(...args)}`);
  const entry = { timestamp: now, level };
  const id = MANAGED ? current.getStore() : requestId;
  if (id) entry.requestId = id;
  if (args.length === 1 && args[0] instanceof Error) {
    const { errorType, errorMessage, trace } = errorShape(args[0]);
    Object.assign(entry, { errorType, errorMessage, stackTrace: trace });
  } else {
    const one = args.length === 1 ? args[0] : util.format(...args);
    entry.message = one;
  }
  let text;
  try {
    text = JSON.stringify(entry);
  } catch {
    text = JSON.stringify({ ...entry, message: util.format(...args) });
  }
  writeFrame(text);
}

console.log = (...args) => log("INFO", args);
console.info = (...args) => log("INFO", args);
console.warn = (...args) => log("WARN", args);
console.error = (...args) => log("ERROR", args);
console.debug = (...args) => log("DEBUG", args);
console.trace = (...args) => log("TRACE", [util.format(...args), new Error().stack]);
console.fatal = (...args) => log("FATAL", args);

const STREAMING = Symbol.for("aws.lambda.runtime.handler.streaming");
globalThis.awslambda = {
  streamifyResponse(handler, options) {
    handler[STREAMING] = "response";
    if (options?.highWaterMark) handler[Symbol.for("aws.lambda.runtime.handler.streaming.highWaterMark")] = options.highWaterMark;
    return handler;
  },
  HttpResponseStream: class {
    static from(stream, metadata) {
      stream.setContentType("application/vnd.awslambda.http-integration-response");
      stream.prelude = Buffer.concat([Buffer.from(JSON.stringify(metadata)), Buffer.alloc(8)]);
      return stream;
    }
  },
};

class ResponseStream extends Writable {
  constructor(begin, api) {
    super({ highWaterMark: 64 * 1024 });
    Object.assign(this, { begin, api, begun: false, type: undefined, prelude: null });
  }
  setContentType(type) {
    if (this.begun) throw new Error("Cannot set content-type, too late.");
    this.type = type;
  }
  _write(chunk, encoding, done) {
    let data = Buffer.isBuffer(chunk) ? chunk : Buffer.from(chunk, encoding);
    data = this.start(data);
    this.api.piece(data, done);
  }
  start(data) {
    if (this.begun) return data;
    this.begun = true;
    this.begin(this.type || "application/octet-stream");
    const all = this.prelude ? Buffer.concat([this.prelude, data]) : data;
    this.prelude = null;
    return all;
  }
}

class InitError extends Error {
  constructor(type, message) {
    super(message);
    this.name = type;
  }
}

async function load(root, handler) {
  const name = path.basename(handler);
  const folder = handler.slice(0, handler.length - name.length);
  const match = /^([^.]*)\.(.*)$/.exec(name);
  if (!match || handler.includes("..")) throw new InitError("Runtime.MalformedHandlerName", "Bad handler");
  const [, file, exported] = match;
  const base = path.resolve(root, folder, file);
  let module;
  const found = ["", ".js", ".mjs", ".cjs"].map((end) => base + end).find((at) => fs.existsSync(at) && fs.statSync(at).isFile());
  try {
    if (found && (found.endsWith(".mjs") || (!found.endsWith(".cjs") && isModule(found)))) {
      module = await import(pathToFileURL(found).href);
    } else {
      const require = createRequire(path.join(root, "noop.js"));
      module = require(found || base);
      if (!found && module === undefined) throw new Error(`Cannot find module '${file}'`);
    }
  } catch (error) {
    if (error instanceof SyntaxError) throw renamed("Runtime.UserCodeSyntaxError", error);
    if (error?.code === "MODULE_NOT_FOUND" || error?.code === "ERR_MODULE_NOT_FOUND") {
      if (!found) error.message = error.message.replace(base, file);
      throw renamed("Runtime.ImportModuleError", error);
    }
    throw error;
  }
  let target = module;
  for (const part of exported.split(".")) target = target?.[part] ?? target?.default?.[part];
  if (target === undefined || target === null) {
    throw new InitError("Runtime.HandlerNotFound", `${handler} is undefined or not exported`);
  }
  if (typeof target !== "function") throw new InitError("Runtime.HandlerNotFound", `${handler} is not a function`);
  return target;
}

function renamed(type, error) {
  const failure = new InitError(type, String(error));
  failure.stack = [`${type}: ${error}`, ...String(error.stack).split("\n").slice(1)].join("\n");
  return failure;
}

/** Whether the nearest package.json makes `.js` files modules. */
function isModule(file) {
  for (let folder = path.dirname(file); ; folder = path.dirname(folder)) {
    const at = path.join(folder, "package.json");
    if (fs.existsSync(at)) {
      try {
        return JSON.parse(fs.readFileSync(at, "utf8")).type === "module";
      } catch {
        return false;
      }
    }
    if (path.dirname(folder) === folder || path.basename(folder) === "node_modules") return false;
  }
}

function contextOf(headers) {
  const deadline = Number(headers["lambda-runtime-deadline-ms"] || 0);
  const parsed = (name) => (headers[name] ? JSON.parse(headers[name]) : undefined);
  return {
    callbackWaitsForEmptyEventLoop: true,
    functionVersion: env.AWS_LAMBDA_FUNCTION_VERSION,
    functionName: env.AWS_LAMBDA_FUNCTION_NAME,
    memoryLimitInMB: env.AWS_LAMBDA_FUNCTION_MEMORY_SIZE,
    logGroupName: env.AWS_LAMBDA_LOG_GROUP_NAME,
    logStreamName: env.AWS_LAMBDA_LOG_STREAM_NAME,
    clientContext: parsed("lambda-runtime-client-context"),
    identity: parsed("lambda-runtime-cognito-identity"),
    invokedFunctionArn: headers["lambda-runtime-invoked-function-arn"],
    awsRequestId: headers["lambda-runtime-aws-request-id"],
    tenantId: headers["lambda-runtime-aws-tenant-id"],
    ...(MANAGED ? { xRayTraceId: headers["lambda-runtime-trace-id"] } : {}),
    getRemainingTimeInMillis: () => deadline - Date.now(),
  };
}

/** Calls a handler that returns a promise or calls back; resolves with its result. */
function run(handler, event, context) {
  return new Promise((resolve, reject) => {
    let decided = false;
    const finish = (settle) => {
      if (decided) return;
      decided = true;
      if (!context.callbackWaitsForEmptyEventLoop) return settle();
      // What else the handler began is waited for.
      process.once("beforeExit", settle);
    };
    const callback = (error, result) => finish(() => (error ? reject(error) : resolve(result)));
    context.done = callback;
    context.succeed = (result) => finish(() => resolve(result));
    context.fail = (error) => finish(() => reject(error ?? "handled"));
    const returned = handler(event, context, callback);
    if (returned && typeof returned.then === "function") {
      decided = true;
      returned.then(resolve, reject);
      // A promise that nothing is left to settle: AWS answers null.
      process.once("beforeExit", () => resolve(null));
    } else if (!decided && handler.length < 3) {
      // Nothing can call back, unless it kept the context: it is done when nothing is left to do.
      process.once("beforeExit", () => finish(() => resolve(null)));
    } else if (!decided) {
      const idle = () => { if (!decided) { decided = true; resolve(null); } };
      process.once("beforeExit", idle);
    }
  });
}

async function stream(api, handler, event, context) {
  const id = context.awsRequestId;
  const body = new ResponseStream((type) => {
    api.begin(`/invocation/${id}/response`, {
      "Lambda-Runtime-Function-Response-Mode": "streaming",
      "Content-Type": type,
    });
  }, api);
  const failed = (error) => ({
    "Lambda-Runtime-Function-Error-Type": errorShape(error).errorType,
    "Lambda-Runtime-Function-Error-Body": Buffer.from(JSON.stringify(errorShape(error))).toString("base64"),
  });
  try {
    await new Promise((resolve, reject) => {
      body.on("error", reject);
      body.on("finish", resolve);
      Promise.resolve(handler(event, body, context)).then(() => {
        // A handler that forgot to end its stream has ended it by returning.
        if (!body.writableEnded) body.end();
      }, reject);
    });
  } catch (error) {
    log("ERROR", [`Invoke Error \t${shown(error)}`]);
    if (!body.begun) return fault(api, id, error, true);
    return api.end(failed(error));
  }
  if (!body.begun) {
    const rest = body.start(Buffer.alloc(0));
    await new Promise((resolve) => api.piece(rest, resolve));
  }
  return api.end({});
}

function fault(api, id, error, logged = false) {
  if (!logged) {
    if (JSON_LOGS) log("ERROR", [error instanceof Error ? error : new Error(String(error))]);
    else log("ERROR", [`Invoke Error \t${shown(error)}`]);
  }
  const shape = errorShape(error);
  return api.call("POST", `/invocation/${id}/error`, {
    "Lambda-Runtime-Function-Error-Type": shape.errorType.replace(/[^\x20-\x7e]/g, "?"),
    "Content-Type": "application/json",
  }, JSON.stringify(shape));
}

/** Watches for what nobody catches; `tell` has it as it is shown, and as it is answered with. */
function watch(tell) {
  const unhandled = (type, error) => {
    const failure = new InitError(type, String(error));
    failure.stack = [`${type}: ${error}`, ...String(error?.stack ?? "").split("\n").slice(1)].join("\n");
    const leave = () => process.exit(129);
    tell(failure, type === "Runtime.UnhandledPromiseRejection" ? failure : error).then(leave, leave);
  };
  process.on("uncaughtException", (error) => unhandled("Runtime.UncaughtException", error));
  process.on("unhandledRejection", (error) => unhandled("Runtime.UnhandledPromiseRejection", error));
}

function initError(api, error) {
  const shape = errorShape(error);
  return api.call("POST", "/init/error", { "Lambda-Runtime-Function-Error-Type": shape.errorType }, JSON.stringify(shape));
}

async function main() {
  const api = new Api();
  let underWay;
  watch(async (failure, error) => {
    const what = failure.name === "Runtime.UnhandledPromiseRejection" ? "Unhandled Promise Rejection" : "Uncaught Exception";
    log("ERROR", [`${what} \t${shown(failure)}`]);
    await (underWay ? fault(api, underWay, error, true) : initError(api, error));
  });
  let handler;
  try {
    handler = await load(env.LAMBDA_TASK_ROOT, env._HANDLER);
  } catch (error) {
    log("ERROR", [`Uncaught Exception \t${shown(error)}`]);
    await initError(api, error);
    process.exit(1);
  }
  for (;;) {
    process.removeAllListeners("beforeExit");
    const next = await api.call("GET", "/invocation/next");
    const context = contextOf(next.headers);
    underWay = requestId = context.awsRequestId;
    const trace = next.headers["lambda-runtime-trace-id"];
    if (trace) env._X_AMZN_TRACE_ID = trace;
    else delete env._X_AMZN_TRACE_ID;
    await work(api, handler, next, context, run);
  }
}

/** Works on one event, and answers it. */
async function work(api, handler, next, context, call) {
  const id = context.awsRequestId;
  try {
    const event = JSON.parse(next.body.toString("utf8"));
    if (handler[STREAMING] === "response") {
      await stream(api, handler, event, context);
      return;
    }
    const result = await call(handler, event, context);
    let body;
    try {
      body = JSON.stringify(result === undefined ? null : result) ?? "null";
    } catch (error) {
      throw renamed("Runtime.MarshalError", new Error("Unable to stringify response body"));
    }
    await api.call("POST", `/invocation/${id}/response`, { "Content-Type": "application/json" }, body);
  } catch (error) {
    await fault(api, id, error);
  }
}

/** Calls a handler of which others run at the same time, so that the event loop is never empty. */
function runAmongOthers(handler, event, context) {
  return new Promise((resolve, reject) => {
    const callback = (error, result) => (error ? reject(error) : resolve(result));
    context.done = callback;
    context.succeed = (result) => resolve(result);
    context.fail = (error) => reject(error ?? "handled");
    const returned = handler(event, context, callback);
    if (returned && typeof returned.then === "function") returned.then(resolve, reject);
    else if (handler.length < 3) resolve(null);
  });
}

/** A worker thread: `share` events at a time, each over a connection of its own. */
async function workerThread(share) {
  const tell = (message) => threads.parentPort.postMessage(message);
  const taken = new Map();
  let first = new Api();
  const all = [];
  watch(async (failure, error) => {
    log("ERROR", [failure]);
    const busy = new Set(taken.values());
    // Those that ask take nothing more.
    await Promise.all(all.filter((api) => !busy.has(api)).map((api) => api.leave()));
    const told = [...taken].map(([id, api]) => fault(api, id, error, true));
    await Promise.all(first ? [...told, initError(first, error)] : told);
  });
  let handler;
  try {
    handler = await load(env.LAMBDA_TASK_ROOT, env._HANDLER);
  } catch (error) {
    log("ERROR", [error]);
    await initError(first, error);
    process.exit(1);
  }
  tell({ ready: true });
  const serve = async (api) => {
    for (;;) {
      const next = await api.call("GET", "/invocation/next");
      const id = next.headers["lambda-runtime-aws-request-id"];
      // The environment ends.
      if (!id) process.exit(0);
      taken.set(id, api);
      tell({ taken: id });
      await current.run(id, () => work(api, handler, next, contextOf(next.headers), runAmongOthers));
      taken.delete(id);
      tell({ done: id });
    }
  };
  all.push(first, ...Array.from({ length: share - 1 }, () => new Api()));
  first = null;
  await Promise.all(all.map(serve));
}

/** Keeps worker threads, and says of one that ended what became of its events. */
function supervise() {
  const most = Math.max(1, Number(env.AWS_LAMBDA_MAX_CONCURRENCY) || 1);
  const asked = Number(env.AWS_LAMBDA_NODEJS_WORKER_COUNT) || Number(process.argv[2]) || 1;
  const count = Math.max(1, Math.min(most, Math.floor(asked)));
  const slots = Array.from({ length: count }, (_, index) => ({
    share: Math.floor((most + index) / count),
    // Threads that ended before they had an event, one after the other; and whether the last one never was ready.
    idleEnds: 0,
    unready: false,
  }));
  const begin = (slot) => {
    const worker = new threads.Worker(new URL(import.meta.url), { workerData: { share: slot.share } });
    const taken = new Set();
    let ready = false, worked = false;
    worker.on("message", (message) => {
      if (message.ready) { ready = true; slot.unready = false; }
      if (message.taken) { worked = true; taken.add(message.taken); }
      if (message.done) taken.delete(message.done);
    });
    worker.on("error", (error) => log("ERROR", [error]));
    worker.on("exit", () => {
      slot.idleEnds = worked ? 0 : slot.idleEnds + 1;
      slot.unready = !ready;
      // None can begin, and each has said why.
      if (slots.every((other) => other.unready)) process.exit(1);
      failTaken(taken);
      // One that only ends again and again is given ever more time.
      const pause = slot.idleEnds > 1 || slot.unready ? Math.min(100 * 2 ** slot.idleEnds, 10_000) : 0;
      setTimeout(() => begin(slot), pause);
    });
  };
  slots.forEach(begin);
}

/** Events of a thread that ended. */
async function failTaken(taken) {
  if (taken.size === 0) return;
  const api = new Api();
  for (const id of taken) {
    const errorMessage = `RequestId: ${id} Error: Runtime exited without providing a reason`;
    await api.call("POST", `/invocation/${id}/error`, {
      "Lambda-Runtime-Function-Error-Type": "Runtime.ExitError",
      "Content-Type": "application/json",
    }, JSON.stringify({ errorType: "Runtime.ExitError", errorMessage }));
  }
  await api.leave();
}

if (!MANAGED) main();
else if (threads.isMainThread) supervise();
else workerThread(threads.workerData.share);

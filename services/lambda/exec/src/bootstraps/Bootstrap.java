// The bootstrap of the managed Java runtimes: asks the Runtime API for events and calls the handler. For Java 8 and
// later, with nothing but the standard library: what else is on the class path belongs to the function.
package haneul;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.File;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.lang.reflect.Constructor;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.lang.reflect.Modifier;
import java.lang.reflect.ParameterizedType;
import java.lang.reflect.Proxy;
import java.lang.reflect.Type;
import java.net.Socket;
import java.net.URL;
import java.net.URLClassLoader;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.Callable;

public final class Bootstrap {
    private static final String API = "com.amazonaws.services.lambda.runtime.";

    private final Socket socket;
    private final InputStream in;
    private final OutputStream out;

    /** In an environment of a capacity provider several threads take events. */
    private static final boolean MANAGED =
            "lambda-managed-instances".equals(System.getenv("AWS_LAMBDA_INITIALIZATION_TYPE"));
    private static final boolean JSON_LOGS = "JSON".equals(System.getenv("AWS_LAMBDA_LOG_FORMAT"));
    private static final List<String> LEVELS = Arrays.asList("TRACE", "DEBUG", "INFO", "WARN", "ERROR", "FATAL");

    private Bootstrap() throws IOException {
        String[] address = System.getenv("AWS_LAMBDA_RUNTIME_API").split(":");
        socket = new Socket(address[0], Integer.parseInt(address[1]));
        socket.setTcpNoDelay(true);
        in = new java.io.BufferedInputStream(socket.getInputStream(), 1 << 16);
        out = socket.getOutputStream();
    }

    public static void main(String[] arguments) throws Exception {
        new Bootstrap().run();
    }

    private void run() throws Exception {
        final Handler handler;
        final ClassLoader loader;
        try {
            loader = loader();
            Thread.currentThread().setContextClassLoader(loader);
            handler = load(loader, System.getenv("_HANDLER"));
        } catch (Throwable thrown) {
            Throwable cause = thrown instanceof InvocationTargetException ? thrown.getCause() : thrown;
            String type = cause instanceof Missing ? ((Missing) cause).type : cause.getClass().getName();
            String error = error(cause, type);
            log(null, "ERROR", text(cause, type));
            call("POST", "/init/error", "Lambda-Runtime-Function-Error-Type: " + type + "\r\n", bytes(error));
            System.exit(1);
            return;
        }
        int threads = MANAGED ? Math.max(1, Integer.parseInt(System.getenv("AWS_LAMBDA_MAX_CONCURRENCY"))) : 1;
        for (int more = 1; more < threads; more++) {
            Thread thread = new Thread(() -> work(Bootstrap::new, handler), "lambda-" + more);
            thread.setContextClassLoader(loader);
            thread.start();
        }
        work(() -> this, handler);
    }

    /** One of the threads. Without it there would be fewer than the environment says, so all end with it. */
    private static void work(Callable<Bootstrap> worker, Handler handler) {
        try {
            worker.call().serve(handler);
        } catch (Throwable failed) {
            try {
                failed.printStackTrace();
            } finally {
                System.exit(1);
            }
        }
    }

    /** Works on one event after the other. */
    private void serve(Handler handler) throws Exception {
        while (true) {
            Answer next = call("GET", "/invocation/next", "", new byte[0]);
            String requestId = next.header("lambda-runtime-aws-request-id");
            if (requestId == null) {
                // The environment ends.
                System.exit(0);
            }
            String trace = next.header("lambda-runtime-trace-id");
            // A property is of the whole process: what several threads share cannot say whose trace it is.
            if (MANAGED) {
                System.clearProperty("com.amazonaws.xray.traceHeader");
            } else if (trace != null) {
                System.setProperty("com.amazonaws.xray.traceHeader", trace);
            } else {
                System.clearProperty("com.amazonaws.xray.traceHeader");
            }
            byte[] result;
            try {
                result = handler.handle(next.body, next);
            } catch (Throwable thrown) {
                Throwable cause = thrown instanceof InvocationTargetException ? thrown.getCause() : thrown;
                String type = cause.getClass().getName();
                log(requestId, "ERROR", text(cause, type));
                System.out.flush();
                call("POST", "/invocation/" + requestId + "/error",
                        "Content-Type: application/json\r\nLambda-Runtime-Function-Error-Type: " + type + "\r\n",
                        bytes(error(cause, type)));
                if (cause instanceof VirtualMachineError) {
                    System.exit(1);
                }
                continue;
            }
            System.out.flush();
            System.err.flush();
            call("POST", "/invocation/" + requestId + "/response", "Content-Type: application/json\r\n", result);
        }
    }

    // The class path, and the handler in it.

    private static ClassLoader loader() throws IOException {
        List<URL> urls = new ArrayList<>();
        String root = System.getenv("LAMBDA_TASK_ROOT");
        urls.add(new File(root).toURI().toURL());
        for (String folder : new String[] {root + "/lib", "/opt/java/lib"}) {
            File[] jars = new File(folder).listFiles((where, name) -> name.endsWith(".jar"));
            if (jars != null) {
                Arrays.sort(jars);
                for (File jar : jars) {
                    urls.add(jar.toURI().toURL());
                }
            }
        }
        return new URLClassLoader(urls.toArray(new URL[0]), Bootstrap.class.getClassLoader());
    }

    interface Handler {
        byte[] handle(byte[] event, Answer next) throws Throwable;
    }

    static final class Missing extends Exception {
        final String type;

        Missing(String type, String message) {
            super(message);
            this.type = type;
        }
    }

    private Handler load(ClassLoader loader, String name) throws Throwable {
        int colons = name.indexOf("::");
        String className = colons < 0 ? name : name.substring(0, colons);
        String methodName = colons < 0 ? null : name.substring(colons + 2);
        Class<?> type;
        try {
            type = loader.loadClass(className);
        } catch (ClassNotFoundException missing) {
            throw new Missing("java.lang.ClassNotFoundException", "Class not found: " + className);
        }
        Class<?> plain = optional(loader, API + "RequestHandler");
        Class<?> streaming = optional(loader, API + "RequestStreamHandler");
        Object made = null;
        boolean isPlain = plain != null && plain.isAssignableFrom(type);
        boolean isStreaming = streaming != null && streaming.isAssignableFrom(type);
        if (methodName == null || methodName.equals("handleRequest")) {
            if (isStreaming) {
                Method method = streaming.getMethods()[0];
                return stream(make(type), method, loader);
            }
            if (isPlain) {
                methodName = "handleRequest";
            } else if (methodName == null) {
                throw new Missing("java.lang.Exception",
                        "Class " + className + " does not implement an appropriate handler interface");
            }
        }
        Method best = null;
        for (Method method : type.getMethods()) {
            if (!method.getName().equals(methodName) || method.isBridge()) {
                continue;
            }
            int count = method.getParameterCount();
            boolean lastIsContext = count > 0 && isContext(method.getParameterTypes()[count - 1]);
            boolean streams = count >= 2 && method.getParameterTypes()[0] == InputStream.class
                    && method.getParameterTypes()[1] == OutputStream.class;
            if (!streams && count > (lastIsContext ? 2 : 1)) {
                continue;
            }
            if (best == null || count > best.getParameterCount()) {
                best = method;
            }
        }
        if (best == null) {
            throw new Missing("java.lang.NoSuchMethodException", "No public method named " + methodName
                    + " with appropriate method signature found on class " + className);
        }
        best.setAccessible(true);
        Object target = Modifier.isStatic(best.getModifiers()) ? null : make(type);
        if (best.getParameterCount() >= 2 && best.getParameterTypes()[0] == InputStream.class) {
            return stream(target, best, loader);
        }
        return values(target, best, type, loader);
    }

    private static Class<?> optional(ClassLoader loader, String name) {
        try {
            return loader.loadClass(name);
        } catch (ClassNotFoundException missing) {
            return null;
        }
    }

    private static boolean isContext(Class<?> type) {
        return type.getName().equals(API + "Context");
    }

    private static Object make(Class<?> type) throws Throwable {
        try {
            Constructor<?> constructor = type.getConstructor();
            return constructor.newInstance();
        } catch (NoSuchMethodException missing) {
            throw new Missing("java.lang.NoSuchMethodException",
                    "Class " + type.getName() + " has no public zero-argument constructor");
        }
    }

    private Handler stream(Object target, Method method, ClassLoader loader) {
        return (event, next) -> {
            ByteArrayOutputStream written = new ByteArrayOutputStream();
            Object[] given = new Object[method.getParameterCount()];
            given[0] = new ByteArrayInputStream(event);
            given[1] = written;
            if (given.length > 2) {
                given[2] = context(loader, next);
            }
            method.invoke(target, given);
            return written.toByteArray();
        };
    }

    private Handler values(Object target, Method method, Class<?> owner, ClassLoader loader) {
        Class<?>[] types = method.getParameterTypes();
        Type[] generic = method.getGenericParameterTypes();
        boolean takesEvent = types.length > 0 && !isContext(types[0]);
        Type wanted = takesEvent ? resolve(owner, generic[0], types[0]) : null;
        return (event, next) -> {
            Object[] given = new Object[types.length];
            if (takesEvent) {
                try {
                    given[0] = Json.bind(Json.parse(new String(event, StandardCharsets.UTF_8)), wanted);
                } catch (RuntimeException wrong) {
                    throw new RuntimeException("An error occurred during JSON parsing", wrong);
                }
            }
            if (types.length > (takesEvent ? 1 : 0)) {
                given[types.length - 1] = context(loader, next);
            }
            Object result = method.invoke(target, given);
            return bytes(method.getReturnType() == void.class ? "null" : Json.text(result));
        };
    }

    /** The `I` of `RequestHandler<I, O>`, where the method only says a type variable. */
    private static Type resolve(Class<?> owner, Type generic, Class<?> erased) {
        if (!(generic instanceof java.lang.reflect.TypeVariable)) {
            return generic;
        }
        for (Class<?> at = owner; at != null; at = at.getSuperclass()) {
            for (Type face : at.getGenericInterfaces()) {
                if (face instanceof ParameterizedType
                        && ((ParameterizedType) face).getRawType().getTypeName().equals(API + "RequestHandler")) {
                    return ((ParameterizedType) face).getActualTypeArguments()[0];
                }
            }
        }
        return erased;
    }

    // The context object, as the interface that the function's own library declares.

    private Object context(ClassLoader loader, Answer next) throws Exception {
        Class<?> face = optional(loader, API + "Context");
        if (face == null) {
            return null;
        }
        Class<?> logger = optional(loader, API + "LambdaLogger");
        long deadline = Long.parseLong(next.header("lambda-runtime-deadline-ms"));
        Object log = logger == null ? null : Proxy.newProxyInstance(loader, new Class<?>[] {logger}, (self, method, with) -> {
            if (method.getName().equals("log") && with != null) {
                Object message = with[0];
                String level = with.length > 1 ? String.valueOf(with[1]) : "UNDEFINED";
                log(next.header("lambda-runtime-aws-request-id"), level,
                        message instanceof byte[] ? new String((byte[]) message, StandardCharsets.UTF_8) : String.valueOf(message));
                return null;
            }
            return common(self, method, with);
        });
        return Proxy.newProxyInstance(loader, new Class<?>[] {face}, (self, method, with) -> {
            switch (method.getName()) {
                case "getAwsRequestId": return next.header("lambda-runtime-aws-request-id");
                case "getXrayTraceId": return next.header("lambda-runtime-trace-id");
                case "getLogGroupName": return System.getenv("AWS_LAMBDA_LOG_GROUP_NAME");
                case "getLogStreamName": return System.getenv("AWS_LAMBDA_LOG_STREAM_NAME");
                case "getFunctionName": return System.getenv("AWS_LAMBDA_FUNCTION_NAME");
                case "getFunctionVersion": return System.getenv("AWS_LAMBDA_FUNCTION_VERSION");
                case "getInvokedFunctionArn": return next.header("lambda-runtime-invoked-function-arn");
                case "getTenantId": return next.header("lambda-runtime-aws-tenant-id");
                case "getRemainingTimeInMillis":
                    return (int) Math.max(0, Math.min(Integer.MAX_VALUE, deadline - System.currentTimeMillis()));
                case "getMemoryLimitInMB": return Integer.parseInt(System.getenv("AWS_LAMBDA_FUNCTION_MEMORY_SIZE"));
                case "getLogger": return log;
                case "getIdentity":
                    return record(loader, "CognitoIdentity", next.header("lambda-runtime-cognito-identity"));
                case "getClientContext":
                    return record(loader, "ClientContext", next.header("lambda-runtime-client-context"));
                default: return common(self, method, with);
            }
        });
    }

    /** JSON seen through an interface of getters. */
    private static Object record(ClassLoader loader, String name, String json) {
        Class<?> face = optional(loader, API + name);
        if (json == null || face == null) {
            return null;
        }
        return view(loader, face, (Map<?, ?>) Json.parse(json));
    }

    private static Object view(ClassLoader loader, Class<?> face, Map<?, ?> of) {
        return Proxy.newProxyInstance(loader, new Class<?>[] {face}, (self, method, with) -> {
            String name = method.getName();
            if (!name.startsWith("get") || with != null) {
                return common(self, method, with);
            }
            switch (name) {
                case "getIdentityId": return of.get("cognitoIdentityId");
                case "getIdentityPoolId": return of.get("cognitoIdentityPoolId");
                case "getEnvironment": return of.get("env");
                default: break;
            }
            String key = name.substring(3, 4).toLowerCase(Locale.ROOT) + name.substring(4);
            Object found = of.containsKey(key) ? of.get(key) : of.get(snake(key));
            if (found instanceof Map && method.getReturnType().isInterface() && method.getReturnType() != Map.class) {
                return view(loader, method.getReturnType(), (Map<?, ?>) found);
            }
            return found;
        });
    }

    private static String snake(String camel) {
        return camel.replaceAll("([A-Z])", "_$1").toLowerCase(Locale.ROOT);
    }

    private static Object common(Object self, Method method, Object[] with) {
        switch (method.getName()) {
            case "hashCode": return System.identityHashCode(self);
            case "equals": return self == with[0];
            case "toString": return method.getDeclaringClass().getSimpleName();
            default: return null;
        }
    }

    // Errors and the log.

    private static String error(Throwable cause, String type) {
        Map<String, Object> error = new LinkedHashMap<>();
        error.put("errorMessage", cause.getMessage() == null ? "" : cause.getMessage());
        error.put("errorType", type);
        error.put("stackTrace", frames(cause));
        if (cause.getCause() != null && cause.getCause() != cause) {
            Map<String, Object> below = new LinkedHashMap<>();
            below.put("errorMessage", String.valueOf(cause.getCause().getMessage()));
            below.put("errorType", cause.getCause().getClass().getName());
            below.put("stackTrace", frames(cause.getCause()));
            error.put("cause", below);
        }
        return Json.text(error);
    }

    /** The function's own part of the stack. */
    private static List<String> frames(Throwable thrown) {
        List<String> frames = new ArrayList<>();
        for (StackTraceElement frame : thrown.getStackTrace()) {
            String name = frame.getClassName();
            if (name.startsWith("haneul.Bootstrap")) {
                break;
            }
            frames.add(frame.toString());
        }
        while (!frames.isEmpty() && frames.get(frames.size() - 1).matches("(java\\.base/)?(java\\.lang\\.reflect|jdk\\.internal\\.reflect|sun\\.reflect)\\..*")) {
            frames.remove(frames.size() - 1);
        }
        return frames;
    }

    private static String text(Throwable cause, String type) {
        StringBuilder text = new StringBuilder();
        text.append(cause.getMessage() == null ? "" : cause.getMessage()).append(": ").append(type).append('\n').append(type);
        if (cause.getMessage() != null) {
            text.append(": ").append(cause.getMessage());
        }
        text.append('\n');
        for (String frame : frames(cause)) {
            text.append("\tat ").append(frame).append('\n');
        }
        return text.append('\n').toString();
    }

    /** One event of any number of lines. */
    private static void log(String requestId, String level, String message) {
        System.out.flush();
        if (JSON_LOGS) {
            String least = System.getenv("AWS_LAMBDA_LOG_LEVEL");
            if (LEVELS.contains(level) && LEVELS.indexOf(level) < LEVELS.indexOf(least)) {
                return;
            }
            Map<String, Object> entry = new LinkedHashMap<>();
            entry.put("timestamp", java.time.Instant.now().truncatedTo(java.time.temporal.ChronoUnit.MILLIS).toString());
            entry.put("level", level);
            entry.put("message", message.endsWith("\n") ? message.substring(0, message.length() - 1) : message);
            if (requestId != null) {
                entry.put("AWSRequestId", requestId);
            }
            // A line, which is put into the pipe as one.
            byte[] line = bytes(Json.text(entry) + "\n");
            synchronized (System.out) {
                System.out.write(line, 0, line.length);
                System.out.flush();
            }
            return;
        }
        byte[] text = bytes(message.endsWith("\n") ? message : message + "\n");
        java.nio.ByteBuffer frame = java.nio.ByteBuffer.allocate(16 + text.length);
        frame.putInt(0xa55a0003).putInt(text.length).putLong(System.currentTimeMillis() * 1000).put(text);
        System.out.write(frame.array(), 0, frame.capacity());
        System.out.flush();
    }

    // The Runtime API.

    static final class Answer {
        final Map<String, String> headers = new LinkedHashMap<>();
        byte[] body = new byte[0];

        String header(String name) {
            return headers.get(name);
        }
    }

    private Answer call(String method, String path, String headers, byte[] body) throws IOException {
        byte[] head = bytes(method + " /2018-06-01/runtime" + path + " HTTP/1.1\r\nHost: runtime\r\n" + headers
                + "Content-Length: " + body.length + "\r\n\r\n");
        byte[] all = Arrays.copyOf(head, head.length + body.length);
        System.arraycopy(body, 0, all, head.length, body.length);
        out.write(all);
        out.flush();
        Answer answer = new Answer();
        line();
        for (String line = line(); !line.isEmpty(); line = line()) {
            int colon = line.indexOf(':');
            answer.headers.put(line.substring(0, colon).toLowerCase(Locale.ROOT), line.substring(colon + 1).trim());
        }
        String length = answer.header("content-length");
        answer.body = new byte[length == null ? 0 : Integer.parseInt(length)];
        for (int at = 0; at < answer.body.length; ) {
            int read = in.read(answer.body, at, answer.body.length - at);
            if (read < 0) {
                System.exit(0);
            }
            at += read;
        }
        return answer;
    }

    private String line() throws IOException {
        ByteArrayOutputStream line = new ByteArrayOutputStream();
        for (int next = in.read(); next != '\n'; next = in.read()) {
            if (next < 0) {
                // We were told to go.
                System.exit(0);
            }
            if (next != '\r') {
                line.write(next);
            }
        }
        return new String(line.toByteArray(), StandardCharsets.UTF_8);
    }

    private static byte[] bytes(String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }
}

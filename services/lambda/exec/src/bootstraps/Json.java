// JSON to and from plain Java: maps, lists, and objects with getters, setters or public fields, as AWS's runtimes do it.
package haneul;

import java.lang.reflect.Array;
import java.lang.reflect.Field;
import java.lang.reflect.GenericArrayType;
import java.lang.reflect.Method;
import java.lang.reflect.Modifier;
import java.lang.reflect.ParameterizedType;
import java.lang.reflect.Type;
import java.lang.reflect.WildcardType;
import java.math.BigDecimal;
import java.math.BigInteger;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;

final class Json {
    private static final int DEPTH_MAX = 500;

    private final String text;
    private int at;

    private Json(String text) {
        this.text = text;
    }

    static Object parse(String text) {
        Json json = new Json(text);
        Object value = json.value(0);
        json.space();
        if (json.at < text.length()) {
            throw json.wrong();
        }
        return value;
    }

    private RuntimeException wrong() {
        return new IllegalArgumentException("Unexpected character at " + at);
    }

    private void space() {
        while (at < text.length() && " \t\r\n".indexOf(text.charAt(at)) >= 0) {
            at++;
        }
    }

    private char peek() {
        space();
        if (at >= text.length()) {
            throw wrong();
        }
        return text.charAt(at);
    }

    private void take(char wanted) {
        if (peek() != wanted) {
            throw wrong();
        }
        at++;
    }

    private Object value(int depth) {
        if (depth > DEPTH_MAX) {
            throw new IllegalArgumentException("JSON is nested too deeply");
        }
        switch (peek()) {
            case '{': {
                Map<String, Object> map = new LinkedHashMap<>();
                at++;
                if (peek() == '}') {
                    at++;
                    return map;
                }
                while (true) {
                    peek();
                    String name = string();
                    take(':');
                    map.put(name, value(depth + 1));
                    if (peek() == '}') {
                        at++;
                        return map;
                    }
                    take(',');
                }
            }
            case '[': {
                List<Object> list = new ArrayList<>();
                at++;
                if (peek() == ']') {
                    at++;
                    return list;
                }
                while (true) {
                    list.add(value(depth + 1));
                    if (peek() == ']') {
                        at++;
                        return list;
                    }
                    take(',');
                }
            }
            case '"': return string();
            case 't': return word("true", Boolean.TRUE);
            case 'f': return word("false", Boolean.FALSE);
            case 'n': return word("null", null);
            default: return number();
        }
    }

    private Object word(String word, Object value) {
        if (!text.startsWith(word, at)) {
            throw wrong();
        }
        at += word.length();
        return value;
    }

    private Object number() {
        int begin = at;
        while (at < text.length() && "+-0123456789.eE".indexOf(text.charAt(at)) >= 0) {
            at++;
        }
        String number = text.substring(begin, at);
        if (number.isEmpty()) {
            throw wrong();
        }
        if (number.matches("-?\\d+")) {
            BigInteger whole = new BigInteger(number);
            if (whole.bitLength() < 32) {
                return whole.intValue();
            }
            return whole.bitLength() < 64 ? (Object) whole.longValue() : whole;
        }
        return Double.valueOf(number);
    }

    private String string() {
        take('"');
        StringBuilder out = new StringBuilder();
        while (true) {
            if (at >= text.length()) {
                throw wrong();
            }
            char c = text.charAt(at++);
            if (c == '"') {
                return out.toString();
            }
            if (c != '\\') {
                out.append(c);
                continue;
            }
            char escaped = text.charAt(at++);
            switch (escaped) {
                case 'b': out.append('\b'); break;
                case 'f': out.append('\f'); break;
                case 'n': out.append('\n'); break;
                case 'r': out.append('\r'); break;
                case 't': out.append('\t'); break;
                case 'u':
                    out.append((char) Integer.parseInt(text.substring(at, at + 4), 16));
                    at += 4;
                    break;
                default: out.append(escaped);
            }
        }
    }

    // From JSON to the type that a handler takes.

    static Object bind(Object value, Type type) {
        if (type instanceof WildcardType) {
            return bind(value, ((WildcardType) type).getUpperBounds()[0]);
        }
        Type[] inner = type instanceof ParameterizedType ? ((ParameterizedType) type).getActualTypeArguments() : new Type[0];
        Type raw = type instanceof ParameterizedType ? ((ParameterizedType) type).getRawType() : type;
        if (raw instanceof GenericArrayType || !(raw instanceof Class)) {
            return value;
        }
        Class<?> wanted = (Class<?>) raw;
        if (value == null || wanted == Object.class) {
            return value == null && wanted.isPrimitive() ? scalar(0, wanted) : value;
        }
        if (wanted.isArray() && value instanceof List) {
            List<?> from = (List<?>) value;
            Object array = Array.newInstance(wanted.getComponentType(), from.size());
            for (int i = 0; i < from.size(); i++) {
                Array.set(array, i, bind(from.get(i), wanted.getComponentType()));
            }
            return array;
        }
        if (Collection.class.isAssignableFrom(wanted) && value instanceof List) {
            Collection<Object> all = Set.class.isAssignableFrom(wanted) ? new java.util.LinkedHashSet<>() : new ArrayList<>();
            for (Object one : (List<?>) value) {
                all.add(inner.length > 0 ? bind(one, inner[0]) : one);
            }
            return all;
        }
        if (Map.class.isAssignableFrom(wanted) && value instanceof Map) {
            Map<Object, Object> all = new LinkedHashMap<>();
            for (Map.Entry<?, ?> entry : ((Map<?, ?>) value).entrySet()) {
                all.put(entry.getKey(), inner.length > 1 ? bind(entry.getValue(), inner[1]) : entry.getValue());
            }
            return all;
        }
        if (value instanceof Map) {
            return object((Map<?, ?>) value, wanted);
        }
        return scalar(value, wanted);
    }

    private static Object scalar(Object value, Class<?> wanted) {
        if (wanted == String.class) {
            return value instanceof String ? value : text(value);
        }
        if (wanted == boolean.class || wanted == Boolean.class) {
            return value instanceof Boolean ? value : Boolean.valueOf(String.valueOf(value));
        }
        if (wanted.isEnum()) {
            for (Object constant : wanted.getEnumConstants()) {
                if (((Enum<?>) constant).name().equalsIgnoreCase(String.valueOf(value))) {
                    return constant;
                }
            }
            throw new IllegalArgumentException(value + " is none of " + wanted.getSimpleName());
        }
        if (wanted == char.class || wanted == Character.class) {
            return String.valueOf(value).charAt(0);
        }
        if (wanted.isPrimitive() || Number.class.isAssignableFrom(wanted)) {
            if (!(value instanceof Number) && !(value instanceof String)) {
                throw new IllegalArgumentException("Cannot make " + wanted.getName() + " of " + text(value));
            }
            BigDecimal number = new BigDecimal(value.toString());
            switch (wanted.getSimpleName().toLowerCase(Locale.ROOT)) {
                case "int": case "integer": return number.intValue();
                case "long": return number.longValue();
                case "double": return number.doubleValue();
                case "float": return number.floatValue();
                case "short": return number.shortValue();
                case "byte": return number.byteValue();
                case "biginteger": return number.toBigInteger();
                case "bigdecimal": return number;
                default: return value;
            }
        }
        if (wanted.isInstance(value)) {
            return value;
        }
        throw new IllegalArgumentException("Cannot make " + wanted.getName() + " of " + text(value));
    }

    private static Object object(Map<?, ?> from, Class<?> wanted) {
        try {
            java.lang.reflect.Constructor<?> constructor = wanted.getDeclaredConstructor();
            constructor.setAccessible(true);
            Object made = constructor.newInstance();
            Map<String, Method> setters = new LinkedHashMap<>();
            for (Method method : wanted.getMethods()) {
                if (method.getName().startsWith("set") && method.getParameterCount() == 1) {
                    setters.put(method.getName().substring(3).toLowerCase(Locale.ROOT), method);
                }
            }
            for (Map.Entry<?, ?> entry : from.entrySet()) {
                String name = String.valueOf(entry.getKey());
                Method setter = setters.get(name.toLowerCase(Locale.ROOT));
                if (setter != null) {
                    setter.setAccessible(true);
                    setter.invoke(made, bind(entry.getValue(), setter.getGenericParameterTypes()[0]));
                    continue;
                }
                for (Field field : wanted.getFields()) {
                    if (field.getName().equalsIgnoreCase(name) && !Modifier.isFinal(field.getModifiers())) {
                        field.setAccessible(true);
                        field.set(made, bind(entry.getValue(), field.getGenericType()));
                    }
                }
            }
            return made;
        } catch (ReflectiveOperationException wrong) {
            throw new IllegalArgumentException("Cannot make " + wanted.getName() + ": " + wrong, wrong);
        }
    }

    // From what a handler returns to JSON.

    static String text(Object value) {
        StringBuilder out = new StringBuilder();
        write(out, value, 0);
        return out.toString();
    }

    private static void write(StringBuilder out, Object value, int depth) {
        if (depth > DEPTH_MAX) {
            throw new IllegalArgumentException("The result is nested too deeply");
        }
        if (value == null || value instanceof Boolean || value instanceof Number) {
            boolean odd = value instanceof Double && (((Double) value).isNaN() || ((Double) value).isInfinite());
            out.append(odd ? "\"" + value + "\"" : String.valueOf(value));
        } else if (value instanceof CharSequence || value instanceof Character || value instanceof Enum) {
            quote(out, value instanceof Enum ? ((Enum<?>) value).name() : value.toString());
        } else if (value instanceof Map) {
            out.append('{');
            boolean first = true;
            for (Map.Entry<?, ?> entry : ((Map<?, ?>) value).entrySet()) {
                first = comma(out, first);
                quote(out, String.valueOf(entry.getKey()));
                out.append(':');
                write(out, entry.getValue(), depth + 1);
            }
            out.append('}');
        } else if (value instanceof Iterable) {
            out.append('[');
            boolean first = true;
            for (Object one : (Iterable<?>) value) {
                first = comma(out, first);
                write(out, one, depth + 1);
            }
            out.append(']');
        } else if (value.getClass().isArray()) {
            out.append('[');
            for (int i = 0; i < Array.getLength(value); i++) {
                comma(out, i == 0);
                write(out, Array.get(value, i), depth + 1);
            }
            out.append(']');
        } else {
            bean(out, value, depth);
        }
    }

    private static void bean(StringBuilder out, Object value, int depth) {
        out.append('{');
        boolean first = true;
        Set<String> seen = new HashSet<>();
        try {
            for (Method method : value.getClass().getMethods()) {
                String name = method.getName();
                boolean is = name.startsWith("is") && method.getReturnType() == boolean.class;
                if (method.getParameterCount() > 0 || name.equals("getClass") || Modifier.isStatic(method.getModifiers())
                        || !(is || (name.startsWith("get") && name.length() > 3))) {
                    continue;
                }
                String rest = name.substring(is ? 2 : 3);
                String key = rest.substring(0, 1).toLowerCase(Locale.ROOT) + rest.substring(1);
                if (seen.add(key)) {
                    method.setAccessible(true);
                    first = comma(out, first);
                    quote(out, key);
                    out.append(':');
                    write(out, method.invoke(value), depth + 1);
                }
            }
            for (Field field : value.getClass().getFields()) {
                if (!Modifier.isStatic(field.getModifiers()) && seen.add(field.getName())) {
                    first = comma(out, first);
                    quote(out, field.getName());
                    out.append(':');
                    write(out, field.get(value), depth + 1);
                }
            }
        } catch (ReflectiveOperationException wrong) {
            throw new IllegalArgumentException("An error occurred during JSON serialization of response", wrong);
        }
        out.append('}');
    }

    private static boolean comma(StringBuilder out, boolean first) {
        if (!first) {
            out.append(',');
        }
        return false;
    }

    private static void quote(StringBuilder out, String text) {
        out.append('"');
        for (int i = 0; i < text.length(); i++) {
            char c = text.charAt(i);
            switch (c) {
                case '"': out.append("\\\""); break;
                case '\\': out.append("\\\\"); break;
                case '\n': out.append("\\n"); break;
                case '\r': out.append("\\r"); break;
                case '\t': out.append("\\t"); break;
                default:
                    if (c < 0x20) {
                        out.append(String.format("\\u%04x", (int) c));
                    } else {
                        out.append(c);
                    }
            }
        }
        out.append('"');
    }
}

package imagesuperscaling.client;

import com.google.gson.Gson;
import com.google.gson.GsonBuilder;
import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParseException;
import com.google.gson.JsonPrimitive;
import com.google.gson.Strictness;
import java.nio.charset.StandardCharsets;
import java.util.Optional;
import java.util.OptionalDouble;

/** Reads and writes JSON, strictly by RFC 8259. */
final class Json {
    private static final Gson GSON =
            new GsonBuilder().setStrictness(Strictness.STRICT).disableHtmlEscaping().create();

    private Json() {}

    static byte[] write(JsonObject object) {
        return GSON.toJson(object).getBytes(StandardCharsets.UTF_8);
    }

    /**
     * Parses one object.
     *
     * @throws JsonParseException if the bytes are not a JSON object
     */
    static JsonObject read(byte[] bytes) {
        return read(bytes, JsonObject.class);
    }

    /**
     * Parses one array.
     *
     * @throws JsonParseException if the bytes are not a JSON array
     */
    static JsonArray readArray(byte[] bytes) {
        return read(bytes, JsonArray.class);
    }

    private static <T extends JsonElement> T read(byte[] bytes, Class<T> kind) {
        T element = GSON.fromJson(new String(bytes, StandardCharsets.UTF_8), kind);
        if (element == null) {
            throw new JsonParseException("the body is empty");
        }
        return element;
    }

    /** A string or a number as an element. */
    static JsonPrimitive primitive(Object value) {
        return value instanceof Number number ? new JsonPrimitive(number) : new JsonPrimitive((String) value);
    }

    /** A member, if it is a string. Gson itself would also convert numbers. */
    static Optional<String> string(JsonObject object, String name) {
        JsonElement member = object.get(name);
        return member != null && member.isJsonPrimitive() && member.getAsJsonPrimitive().isString()
                ? Optional.of(member.getAsString())
                : Optional.empty();
    }

    /** A member, if it is a boolean. Gson itself would also convert strings. */
    static Optional<Boolean> bool(JsonObject object, String name) {
        JsonElement member = object.get(name);
        return member != null && member.isJsonPrimitive() && member.getAsJsonPrimitive().isBoolean()
                ? Optional.of(member.getAsBoolean())
                : Optional.empty();
    }

    /** A member, if it is a number. Gson itself would also convert strings. */
    static OptionalDouble number(JsonObject object, String name) {
        JsonElement member = object.get(name);
        return member != null && member.isJsonPrimitive() && member.getAsJsonPrimitive().isNumber()
                ? OptionalDouble.of(member.getAsDouble())
                : OptionalDouble.empty();
    }
}

package imagesuperscaling.client;

import com.google.gson.Gson;
import com.google.gson.GsonBuilder;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParseException;
import com.google.gson.Strictness;
import java.nio.charset.StandardCharsets;
import java.util.Optional;

/** Reads and writes JSON objects, strictly by RFC 8259. */
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
        JsonObject object = GSON.fromJson(new String(bytes, StandardCharsets.UTF_8), JsonObject.class);
        if (object == null) {
            throw new JsonParseException("the body is empty");
        }
        return object;
    }

    /** A member, if it is a string. Gson itself would also convert numbers. */
    static Optional<String> string(JsonObject object, String name) {
        JsonElement member = object.get(name);
        return member != null && member.isJsonPrimitive() && member.getAsJsonPrimitive().isString()
                ? Optional.of(member.getAsString())
                : Optional.empty();
    }
}

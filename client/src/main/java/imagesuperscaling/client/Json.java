package imagesuperscaling.client;

import com.google.gson.Gson;
import com.google.gson.GsonBuilder;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParseException;
import com.google.gson.Strictness;
import java.nio.charset.StandardCharsets;
import java.util.Optional;

/** JSON objects to bytes and back, by the letter of RFC 8259. */
final class Json {
    private static final Gson GSON =
            new GsonBuilder().setStrictness(Strictness.STRICT).disableHtmlEscaping().create();

    private Json() {}

    static byte[] write(JsonObject object) {
        return GSON.toJson(object).getBytes(StandardCharsets.UTF_8);
    }

    /**
     * Reads one object.
     *
     * @throws JsonParseException if that is not what the bytes are
     */
    static JsonObject read(byte[] bytes) {
        JsonObject object = GSON.fromJson(new String(bytes, StandardCharsets.UTF_8), JsonObject.class);
        if (object == null) {
            throw new JsonParseException("there is nothing");
        }
        return object;
    }

    /** The member, if it is there and a string: not a number either, which the library would turn into one. */
    static Optional<String> string(JsonObject object, String name) {
        JsonElement member = object.get(name);
        return member != null && member.isJsonPrimitive() && member.getAsJsonPrimitive().isString()
                ? Optional.of(member.getAsString())
                : Optional.empty();
    }
}

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
import java.time.Duration;
import java.util.Base64;
import java.util.Optional;
import java.util.OptionalDouble;

/** Reads and writes JSON, strictly by RFC 8259. */
final class Json {
    /** The member that is an image file in base64. */
    static final String IMAGE = "imageBase64";

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
        return read(new String(bytes, StandardCharsets.UTF_8));
    }

    /** The same of text. */
    static JsonObject read(String text) {
        return read(text, JsonObject.class);
    }

    /**
     * Parses one array.
     *
     * @throws JsonParseException if the bytes are not a JSON array
     */
    static JsonArray readArray(byte[] bytes) {
        return read(new String(bytes, StandardCharsets.UTF_8), JsonArray.class);
    }

    private static <T extends JsonElement> T read(String text, Class<T> kind) {
        T element = GSON.fromJson(text, kind);
        if (element == null) {
            throw new JsonParseException("the body is empty");
        }
        return element;
    }

    /** A string, number or boolean as an element. */
    static JsonPrimitive primitive(Object value) {
        if (value instanceof Number number) {
            return new JsonPrimitive(number);
        }
        return value instanceof Boolean bool ? new JsonPrimitive(bool) : new JsonPrimitive((String) value);
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

    /**
     * A member that has to be there.
     *
     * @throws IllegalArgumentException if it is not, or no string
     */
    static String text(JsonObject object, String name) {
        return string(object, name).orElseThrow(() -> new IllegalArgumentException("there is no string " + name));
    }

    /**
     * A member that has to be there. What does not fit into an int becomes the nearest that does.
     *
     * @throws IllegalArgumentException if it is not, or no number
     */
    static int integer(JsonObject object, String name) {
        return (int) number(object, name).orElseThrow(() -> missingNumber(name));
    }

    /**
     * A time in seconds that has to be there.
     *
     * @throws IllegalArgumentException if it is not, or no number
     */
    static Duration seconds(JsonObject object, String name) {
        double seconds = number(object, name).orElseThrow(() -> missingNumber(name));
        return Duration.ofMillis(Math.round(seconds * 1000));
    }

    /**
     * The image in base64 that has to be there.
     *
     * @throws IllegalArgumentException if it is not, or empty
     */
    static byte[] image(JsonObject object) {
        byte[] image = Base64.getDecoder().decode(text(object, IMAGE));
        if (image.length == 0) {
            throw new IllegalArgumentException("the picture is empty");
        }
        return image;
    }

    private static IllegalArgumentException missingNumber(String name) {
        return new IllegalArgumentException("there is no number " + name);
    }
}

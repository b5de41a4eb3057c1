package imagesuperscaling.client;

import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParseException;
import java.util.ArrayList;
import java.util.List;

/** Reads the answer of {@code GET /models}. Members that are unknown here are ignored. */
final class ModelList {
    private ModelList() {}

    /**
     * Parses the list.
     *
     * @throws JsonParseException if the bytes are not a JSON array
     * @throws IllegalArgumentException if an element is not a model; the message says why
     */
    static List<Model> read(byte[] bytes) {
        List<Model> models = new ArrayList<>();
        for (JsonElement element : Json.readArray(bytes)) {
            if (!element.isJsonObject()) {
                throw new IllegalArgumentException("a model is not a JSON object");
            }
            models.add(model(element.getAsJsonObject()));
        }
        return List.copyOf(models);
    }

    private static Model model(JsonObject object) {
        return new Model(
                string(object, "name"),
                Json.bool(object, "default").orElseThrow(() -> missing("boolean", "default")),
                (int) Json.number(object, "scale").orElseThrow(() -> missing("number", "scale")),
                string(object, "kind"),
                string(object, "precision"),
                Json.number(object, "secondsPerMegapixel"),
                string(object, "sha256"),
                string(object, "licence"),
                Json.bool(object, "strength").orElse(false)); // earlier services have none
    }

    private static String string(JsonObject object, String name) {
        return Json.string(object, name).orElseThrow(() -> missing("string", name));
    }

    private static IllegalArgumentException missing(String type, String name) {
        return new IllegalArgumentException("a model has no " + type + " " + name);
    }
}

package imagesuperscaling.client;

import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParseException;
import imagesuperscaling.client.UpscaleListener.Accepted;
import imagesuperscaling.client.UpscaleListener.Preview;
import imagesuperscaling.client.UpscaleListener.Progress;
import imagesuperscaling.client.UpscaleListener.Tile;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.Optional;

/** Understands the events of one image: tells the listener, and keeps the result. Unknown events are ignored. */
final class Events implements EventParser.Handler {
    private final UpscaleListener listener;
    private String requestId;
    private String notes = "";
    private UpscaleOutput output;

    Events(UpscaleListener listener) {
        this.listener = listener;
    }

    /** The result, if it is there. */
    Optional<UpscaleOutput> output() {
        return Optional.ofNullable(output);
    }

    /** Takes an event. Throws the failure that it tells, or that it can't be read. */
    @Override
    public void event(String name, String data) throws UpscaleException {
        Runnable telling;
        try {
            telling = read(name, data);
        } catch (JsonParseException wrong) {
            throw malformed("the event " + name + " is not a JSON object", wrong);
        } catch (IllegalArgumentException wrong) {
            throw malformed("in the event " + name + " " + wrong.getMessage(), wrong);
        }
        telling.run();
    }

    UpscaleException malformed(String reason, Throwable cause) {
        return Problems.malformed(200, reason, requestId, cause);
    }

    /** Reads an event, and returns how the listener is told. */
    private Runnable read(String name, String data) throws UpscaleException {
        return switch (name) {
            case "accepted" -> {
                Accepted accepted = accepted(Json.read(data));
                requestId = accepted.requestId();
                yield () -> listener.accepted(accepted);
            }
            case "preview" -> {
                Preview preview = preview(Json.read(data));
                yield () -> listener.preview(preview);
            }
            case "tile" -> {
                Tile tile = tile(Json.read(data));
                yield () -> listener.tile(tile);
            }
            case "progress" -> {
                Progress progress = progress(Json.read(data));
                yield () -> listener.progress(progress);
            }
            case "notes" -> {
                notes = notes(Json.read(data));
                yield () -> {};
            }
            case "result" -> {
                output = new UpscaleOutput(Json.image(Json.read(data)), notes);
                yield () -> {};
            }
            case "problem" -> throw Problems.of(Json.read(data));
            default -> () -> {};
        };
    }

    private static Accepted accepted(JsonObject data) {
        return new Accepted(
                Json.text(data, "requestId"),
                Json.text(data, "mediaType"),
                Json.integer(data, "width"),
                Json.integer(data, "height"),
                Json.integer(data, "frames"),
                Json.integer(data, "tiles"),
                Json.seconds(data, "seconds"),
                Json.integer(data, "ahead"));
    }

    private static Preview preview(JsonObject data) {
        return new Preview(
                Json.image(data),
                Json.text(data, "mediaType"),
                Json.integer(data, "width"),
                Json.integer(data, "height"));
    }

    private static Tile tile(JsonObject data) {
        return new Tile(
                Json.image(data),
                Json.text(data, "mediaType"),
                Json.integer(data, "frame"),
                Json.integer(data, "left"),
                Json.integer(data, "top"),
                Json.integer(data, "width"),
                Json.integer(data, "height"));
    }

    private static Progress progress(JsonObject data) {
        return new Progress(
                Json.integer(data, "done"), Json.integer(data, "total"), Json.seconds(data, "secondsLeft"));
    }

    /** As the header of a plain answer has them. */
    private static String notes(JsonObject data) {
        JsonElement said = data.get("notes");
        if (said == null || !said.isJsonArray()) {
            throw new IllegalArgumentException("there is no array notes");
        }
        List<String> texts = new ArrayList<>();
        for (JsonElement each : said.getAsJsonArray()) {
            if (!each.isJsonPrimitive() || !each.getAsJsonPrimitive().isString()) {
                throw new IllegalArgumentException("a note is not a string");
            }
            texts.add(each.getAsString());
        }
        return String.join("; ", texts);
    }
}

package imagesuperscaling.client;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assertions.fail;

import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonPrimitive;
import imagesuperscaling.client.TestServer.Answer;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Base64;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.Set;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** The examples of the protocol, which the service's tests check too. */
class WireExamplesTest {
    private static final Path FOLDER = Path.of("..", "tests", "wire");
    private static final byte[] LARGER = {'l', 'a', 'r', 'g', 'e', 'r'};

    /**
     * Errors that this client can't cause: wrong path, wrong method, messages without an image file or with bad options,
     * and headers that browsers send for pages of other sites.
     */
    private static final Set<String> IMPOSSIBLE = Set.of(
            "cross-site.json",
            "host-not-served.json",
            "image-url-off.json",
            "missing-field.json",
            "not-base64.json",
            "scale-not-a-number.json",
            "strength-too-large.json",
            "unknown-path.json",
            "width-and-height-without-fit.json",
            "wrong-method.json");

    static List<Path> examples() throws IOException {
        try (Stream<Path> files = Files.list(FOLDER)) {
            return files.filter(file -> file.toString().endsWith(".json")).sorted().toList();
        }
    }

    static List<Path> possible() throws IOException {
        return examples().stream()
                .filter(file -> !IMPOSSIBLE.contains(file.getFileName().toString()))
                .toList();
    }

    @Test
    void theyAreThere() throws Exception {
        assertTrue(possible().size() >= 20);
        assertEquals(IMPOSSIBLE.size(), examples().size() - possible().size());
    }

    @ParameterizedTest
    @MethodSource("possible")
    void theRequestIsTheExamples(Path file) throws Exception {
        JsonObject expected = read(file).getAsJsonObject("request");
        try (TestServer server = new TestServer(Answer.of(500, "text/plain", "not asked for"))) {
            assertThrows(UpscaleException.class, () -> send(client(server, expected), expected));
            assertEquals(expected.get("method").getAsString(), server.only().method());
            assertEquals(expected.get("path").getAsString(), server.only().uri());
            byte[] body = server.only().body();
            if (expected.has("json")) {
                assertEquals(expected.get("json"), Json.read(body));
            } else {
                assertArrayEquals(file(expected), body);
            }
        }
    }

    @ParameterizedTest
    @MethodSource("examples")
    void theAnswerIsUnderstood(Path file) throws Exception {
        JsonObject request = read(file).getAsJsonObject("request");
        if (IMPOSSIBLE.contains(file.getFileName().toString())) {
            request.remove("json");
            request.addProperty("path", "/upscale");
        }
        JsonObject response = read(file).getAsJsonObject("response");
        JsonElement content = response.has("json") ? response.get("json") : new JsonObject();
        JsonElement first = content.isJsonArray() ? content.getAsJsonArray().get(0) : content;
        JsonObject json = first.getAsJsonObject();
        if (response.has("varying")) {
            response.getAsJsonArray("varying").forEach(name -> json.add(name.getAsString(), vary(name.getAsString())));
        }
        Map<String, String> headers = new HashMap<>();
        if (response.has("headers")) {
            response.getAsJsonObject("headers").asMap().forEach((name, value) -> headers.put(name, value.getAsString()));
        }
        headers.put("Content-Type", response.get("contentType").getAsString());
        byte[] body = response.has("json") ? content.toString().getBytes(StandardCharsets.UTF_8) : LARGER;
        Answer answer = new Answer(response.get("status").getAsInt(), headers, body);
        try (TestServer server = new TestServer(answer)) {
            UpscaleClient client = client(server, request);
            if (answer.status() != 200) {
                UpscaleException failure = assertThrows(UpscaleException.class, () -> send(client, request));
                assertEquals(answer.status(), failure.status());
                assertEquals(Optional.of(json.get("code").getAsString()), failure.code());
                assertEquals(json.get("detail").getAsString(), failure.detail());
                assertEquals(Optional.of("request-1"), failure.requestId());
                assertEquals(
                        Optional.ofNullable(headers.get("Retry-After")),
                        failure.retryAfter().map(wait -> String.valueOf(wait.toSeconds())));
                return;
            }
            switch (request.get("path").getAsString()) {
                case "/ping" -> assertEquals(new PingOutput(json.get("success").getAsBoolean()), client.ping());
                case "/models" -> assertEquals(List.of(model(json)), client.models());
                default -> assertArrayEquals(LARGER, client.upscale(input(request)).image());
            }
        }
    }

    private static JsonObject read(Path file) throws IOException {
        return Json.read(Files.readAllBytes(file));
    }

    private static JsonPrimitive vary(String name) {
        return switch (name) {
            case "imageBase64" -> new JsonPrimitive(Base64.getEncoder().encodeToString(LARGER));
            case "requestId" -> new JsonPrimitive("request-1");
            case "engine", "precision", "sha256" -> new JsonPrimitive("text of " + name);
            case "threads", "views", "halo", "memoryBytes" -> new JsonPrimitive(12);
            case "secondsPerMegapixel" -> new JsonPrimitive(1.5);
            default -> fail("unknown varying member: " + name);
        };
    }

    private static void send(UpscaleClient client, JsonObject request) throws Exception {
        switch (request.get("path").getAsString()) {
            case "/ping" -> client.ping();
            case "/models" -> client.models();
            default -> client.upscale(input(request));
        }
    }

    private static Model model(JsonObject json) {
        return new Model(
                json.get("name").getAsString(),
                json.get("default").getAsBoolean(),
                json.get("scale").getAsInt(),
                json.get("kind").getAsString(),
                "text of precision",
                OptionalDouble.of(1.5),
                json.get("sha256").getAsString(),
                json.get("licence").getAsString(),
                json.get("strength").getAsBoolean());
    }

    /** A client that sends images in the form of the example, without retries. */
    private static UpscaleClient client(TestServer server, JsonObject request) {
        return UpscaleClient.builder(server.url())
                .wire(request.has("fileBase64") ? Wire.BYTES : Wire.JSON)
                .retries(0)
                .build();
    }

    /** The body of a request that is not JSON; empty if there is none. */
    private static byte[] file(JsonObject request) {
        return Base64.getDecoder().decode(Json.string(request, "fileBase64").orElse(""));
    }

    private static UpscaleInput input(JsonObject request) {
        JsonObject options = new JsonObject();
        byte[] image = file(request);
        if (request.has("json")) {
            options = request.getAsJsonObject("json");
            image = Base64.getDecoder().decode(Json.string(options, "imageBase64").orElse(""));
        } else {
            String[] query = request.get("path").getAsString().split("[?&]");
            for (String option : List.of(query).subList(1, query.length)) {
                options.addProperty(option.split("=")[0], option.split("=")[1]);
            }
        }
        ImageFormat format = Json.string(options, "format").flatMap(ImageFormat::ofWireName).orElse(null);
        Integer quality = options.has("quality") ? options.get("quality").getAsInt() : null;
        MetadataChoice metadata =
                Json.string(options, "metadata").flatMap(MetadataChoice::ofWireName).orElse(null);
        Double scale = options.has("scale") ? options.get("scale").getAsDouble() : null;
        Integer width = options.has("width") ? options.get("width").getAsInt() : null;
        String model = Json.string(options, "model").orElse(null);
        Double strength = options.has("strength") ? options.get("strength").getAsDouble() : null;
        return UpscaleInput.fromBytes(image)
                .with(new UpscaleOptions(format, quality, metadata, scale, width, null, null, model, strength));
    }
}

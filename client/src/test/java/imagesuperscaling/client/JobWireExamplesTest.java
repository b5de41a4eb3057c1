package imagesuperscaling.client;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonPrimitive;
import imagesuperscaling.client.TestServer.Answer;
import imagesuperscaling.client.TestServer.Request;
import java.io.IOException;
import java.net.URI;
import java.net.URLDecoder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Base64;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** The client speaks about jobs as the examples that the service is tested with. */
class JobWireExamplesTest {
    private static final Path FOLDER = Path.of("..", "tests", "wire", "jobs");
    private static final String ID = "A1";
    private static final Set<String> HEADERS = Set.of("Content-Type", "Idempotency-Key");
    private static final byte[] LARGER = {'l', 'a', 'r', 'g', 'e', 'r'};

    static List<Path> examples() throws IOException {
        try (Stream<Path> files = Files.list(FOLDER)) {
            return files.filter(file -> file.toString().endsWith(".json")).sorted().toList();
        }
    }

    /** Those whose request this client can make: it sends files as they are, polls, takes results as they are, and no archives. */
    static List<Path> possible() throws IOException {
        return examples().stream().filter(file -> isPossible(read(file).getAsJsonObject("request"))).toList();
    }

    private static boolean isPossible(JsonObject request) {
        String path = request.get("path").getAsString();
        JsonElement headers = request.get("headers");
        return !request.has("json")
                && !path.equals("/upscale")
                && !path.startsWith("/jobs/archive")
                && !path.contains("limit=")
                && !path.contains("/result?")
                && (headers == null || HEADERS.containsAll(headers.getAsJsonObject().keySet()));
    }

    @Test
    void theyAreThere() throws Exception {
        assertTrue(possible().size() >= 10, possible().toString());
    }

    @ParameterizedTest
    @MethodSource("possible")
    void theRequestIsTheExamples(Path file) throws Exception {
        JsonObject expected = read(file).getAsJsonObject("request");
        try (TestServer server = new TestServer(Answer.of(500, "text/plain", "not asked for"))) {
            assertThrows(UpscaleException.class, () -> send(UpscaleClient.of(server.url()).jobs(), expected));
            Request sent = server.only();
            assertEquals(expected.get("method").getAsString(), sent.method());
            assertEquals(path(expected), URLDecoder.decode(sent.uri(), StandardCharsets.UTF_8));
            if (expected.has("fileBase64")) {
                assertArrayEquals(image(expected), sent.body());
            }
            if (expected.has("headers")) {
                expected.getAsJsonObject("headers")
                        .asMap()
                        .forEach((name, value) -> assertEquals(value.getAsString(), sent.headers().getFirst(name)));
            }
        }
    }

    @ParameterizedTest
    @MethodSource("possible")
    void theAnswerIsUnderstood(Path file) throws Exception {
        JsonObject request = read(file).getAsJsonObject("request");
        JsonObject response = read(file).getAsJsonObject("response");
        JsonObject json = response.has("json") ? response.getAsJsonObject("json") : new JsonObject();
        if (response.has("varying")) {
            List<JsonElement> places = json.has("jobs") ? json.getAsJsonArray("jobs").asList() : List.of(json);
            for (JsonElement name : response.getAsJsonArray("varying")) {
                places.forEach(place -> place.getAsJsonObject().add(name.getAsString(), vary(name.getAsString())));
            }
        }
        Map<String, String> headers = new HashMap<>();
        if (response.has("contentType")) {
            headers.put("Content-Type", response.get("contentType").getAsString());
        }
        int status = response.get("status").getAsInt();
        byte[] body = response.has("json") ? json.toString().getBytes(StandardCharsets.UTF_8) : LARGER;
        try (TestServer server = new TestServer(new Answer(status, headers, status == 204 ? new byte[0] : body))) {
            JobsClient jobs = UpscaleClient.builder(server.url()).retries(0).build().jobs();
            if (status >= 400) {
                UpscaleException failure = assertThrows(UpscaleException.class, () -> send(jobs, request));
                assertEquals(status, failure.status());
                assertEquals(Optional.of(json.get("code").getAsString()), failure.code());
                assertEquals(json.get("detail").getAsString(), failure.detail());
                return;
            }
            Object understood = send(jobs, request);
            if (understood instanceof Job job) {
                assertEquals(ID, job.id());
                assertEquals(Optional.of(job.state()), JobState.ofWireName(json.get("status").getAsString()));
                assertEquals(json.get("total").getAsInt(), job.total());
            } else if (understood instanceof UpscaleOutput output) {
                assertArrayEquals(LARGER, output.image());
            } else if (understood instanceof List<?> listed) {
                assertEquals(json.getAsJsonArray("jobs").size(), listed.size());
            } else {
                assertEquals(204, status);
            }
        }
    }

    /** Makes the request of an example; returns what its answer means. */
    private static Object send(JobsClient jobs, JsonObject request) throws IOException, InterruptedException {
        Job job = Job.read((JsonObject) vary("job"));
        String query = Optional.ofNullable(URI.create(path(request)).getQuery()).orElse("");
        switch (request.get("method").getAsString()) {
            case "POST" -> {
                return jobs.submit(input(request, query));
            }
            case "DELETE" -> {
                jobs.cancel(job);
                return "";
            }
            default -> {
                String path = URI.create(path(request)).getPath();
                if (path.endsWith("/result")) {
                    return jobs.result(job);
                }
                return query.isEmpty()
                        ? jobs.find(path.substring(path.lastIndexOf('/') + 1))
                        : jobs.list(query.replace("group=", ""));
            }
        }
    }

    private static JobInput input(JsonObject request, String query) {
        JobInput input = JobInput.fromBytes(image(request));
        for (String option : query.isEmpty() ? new String[0] : query.split("&")) {
            String value = option.substring(option.indexOf('=') + 1);
            input = switch (option.substring(0, option.indexOf('='))) {
                case "group" -> input.inGroup(value);
                case "scale" -> input.with(UpscaleOptions.builder()
                        .scale(Double.parseDouble(value))
                        .build());
                case "webhook" -> input.withWebhook(URI.create(value));
                default -> throw new AssertionError(option);
            };
        }
        JsonElement key = request.getAsJsonObject("headers").get("Idempotency-Key");
        return key == null ? input : input.withIdempotencyKey(key.getAsString());
    }

    private static String path(JsonObject request) {
        return request.get("path").getAsString().replace("{id}", ID);
    }

    private static byte[] image(JsonObject request) {
        return Base64.getDecoder().decode(request.get("fileBase64").getAsString());
    }

    /** A value of a member that varies. */
    private static JsonElement vary(String name) {
        JsonObject job = new JsonObject();
        job.addProperty("id", ID);
        job.addProperty("status", "done");
        JsonObject values = new JsonObject();
        values.add("job", job);
        values.addProperty("id", ID);
        List.of("done", "total", "secondsLeft").forEach(number -> values.addProperty(number, 1));
        return values.has(name) ? values.get(name) : new JsonPrimitive(name + "-1");
    }

    private static JsonObject read(Path file) {
        try {
            return Json.read(Files.readAllBytes(file));
        } catch (IOException missing) {
            throw new AssertionError(missing);
        }
    }
}

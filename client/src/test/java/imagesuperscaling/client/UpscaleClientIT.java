package imagesuperscaling.client;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.gson.JsonObject;
import java.io.IOException;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Base64;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.FutureTask;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;

/** The library against the real service. */
@ExtendWith(Service.Running.class)
class UpscaleClientIT {
    /** The service's default number of request slots. */
    private static final int SLOTS = 16;

    private UpscaleClient json;
    private UpscaleClient bytes;
    private Service service;

    @BeforeEach
    void clients(Service running) {
        service = running;
        json = UpscaleClient.builder(running.url()).wire(Wire.JSON).build();
        bytes = UpscaleClient.of(running.url() + "/");
    }

    @Test
    void ping() throws Exception {
        assertEquals(new PingOutput(true), json.ping());
    }

    static List<Path> samples() throws IOException {
        return Samples.files();
    }

    @ParameterizedTest
    @MethodSource("samples")
    void aPictureIsDoubledAndEqualBothWays(Path file) throws Exception {
        UpscaleOutput output = json.upscale(file);
        assertEquals(output, bytes.upscale(file));
        Optional<List<Integer>> size = Samples.size(Files.readAllBytes(file));
        assertEquals(size.map(Samples::doubled), Samples.size(output.image()));
        assertEquals(ImageFormat.ofFileName(file).orElseThrow() == ImageFormat.WEBP, size.isEmpty());
        assertNotEquals(0, output.image().length);
    }

    @ParameterizedTest
    @EnumSource(Wire.class)
    void optionsAreFollowed(Wire wire) throws Exception {
        UpscaleClient client = wire == Wire.JSON ? json : bytes;
        UpscaleInput input = UpscaleInput.fromFile(Samples.FOLDER.resolve("rocket.webp"));
        byte[] coarse = client.upscale(input.with(new UpscaleOptions(ImageFormat.JPEG, 30))).image();
        byte[] fine = client.upscale(input.with(new UpscaleOptions(ImageFormat.JPEG, 95))).image();
        assertEquals((byte) 0xD8, coarse[1]);
        assertTrue(coarse.length < fine.length / 2, coarse.length + " and " + fine.length + " bytes");
    }

    @ParameterizedTest
    @EnumSource(Wire.class)
    void sizesAreExact(Wire wire) throws Exception {
        UpscaleClient client = wire == Wire.JSON ? json : bytes;
        UpscaleInput input = UpscaleInput.fromBytes(Samples.noise(7, 40, 30));
        UpscaleOptionsBuilder sides = UpscaleOptions.builder().width(100).height(100);
        Map<UpscaleOptions, List<Integer>> sizes = Map.of(
                UpscaleOptions.builder().scale(3).build(), List.of(120, 90),
                UpscaleOptions.builder().scale(1.26).build(), List.of(50, 38),
                UpscaleOptions.builder().width(101).build(), List.of(101, 76),
                UpscaleOptions.builder().height(7).build(), List.of(9, 7),
                sides.fit(Fit.INSIDE).build(), List.of(100, 75),
                sides.fit(Fit.COVER).build(), List.of(100, 100));
        for (UpscaleOptions options : sizes.keySet()) {
            byte[] image = client.upscale(input.with(options)).image();
            assertEquals(Optional.of(sizes.get(options)), Samples.size(image), options::toString);
        }
    }

    @ParameterizedTest
    @EnumSource(Wire.class)
    void aStreamTellsWhatHappensAndHasTheSameResult(Wire wire) throws Exception {
        UpscaleClient client = wire == Wire.JSON ? json : bytes;
        UpscaleInput input = UpscaleInput.fromFile(Samples.FOLDER.resolve("face.jpg"))
                .with(UpscaleOptions.builder().format(ImageFormat.PNG).scale(1.5).build());
        List<UpscaleListener.Accepted> accepted = new ArrayList<>();
        List<UpscaleListener.Preview> previews = new ArrayList<>();
        List<UpscaleListener.Tile> tiles = new ArrayList<>();
        List<UpscaleListener.Progress> heard = new ArrayList<>();
        UpscaleOutput output = client.upscale(input, new UpscaleListener() {
            @Override
            public void accepted(Accepted said) {
                accepted.add(said);
            }

            @Override
            public void preview(Preview said) {
                previews.add(said);
            }

            @Override
            public void tile(Tile said) {
                tiles.add(said);
            }

            @Override
            public void progress(Progress said) {
                heard.add(said);
            }

            @Override
            public boolean wantsTiles() {
                return true;
            }
        });
        assertEquals(client.upscale(input), output);
        UpscaleListener.Accepted only = accepted.get(0);
        assertEquals(1, accepted.size());
        assertEquals(List.of(384, 384, 1), List.of(only.width(), only.height(), only.frames()));
        assertEquals("image/png", only.mediaType());
        assertEquals(1, previews.size());
        UpscaleListener.Preview preview = previews.get(0);
        assertEquals(Optional.of(List.of(preview.width(), preview.height())), Samples.size(preview.image()));
        UpscaleListener.Progress last = heard.get(heard.size() - 1);
        assertEquals(List.of(only.tiles(), only.tiles()), List.of(last.done(), last.total()));
        int area = tiles.stream().mapToInt(tile -> tile.width() * tile.height()).sum();
        assertEquals(384 * 384, area);
        for (UpscaleListener.Tile tile : tiles) {
            assertEquals(Optional.of(List.of(tile.width(), tile.height())), Samples.size(tile.image()));
        }
    }

    @ParameterizedTest
    @EnumSource(Wire.class)
    void aStreamOfACorruptPictureIsRefused(Wire wire) throws Exception {
        byte[] whole = Files.readAllBytes(Samples.FOLDER.resolve("face.jpg"));
        UpscaleInput cut = UpscaleInput.fromBytes(Arrays.copyOf(whole, whole.length / 2));
        UpscaleClient client = wire == Wire.JSON ? json : bytes;
        UpscaleException failure = assertThrows(
                UpscaleException.Rejected.class, () -> client.upscale(cut, progress -> {}));
        assertRefused(422, "image_corrupt", failure);
    }

    @Test
    void notesOfAStreamAreThoseOfAPlainAnswer() throws Exception {
        UpscaleInput input = UpscaleInput.fromFile(Samples.FOLDER.resolve("bouncing-ball.gif"))
                .with(new UpscaleOptions(ImageFormat.PNG, null, MetadataChoice.STRIP));
        assertEquals(bytes.upscale(input), bytes.upscale(input, progress -> {}));
    }

    @Test
    void anEstimateKnowsTheSizeAndTheTime() throws Exception {
        Estimate estimate = bytes.estimate(400, 300);
        assertEquals(List.of(800, 600), List.of(estimate.width(), estimate.height()));
        assertTrue(estimate.tiles() > 0 && !estimate.time().isZero() && estimate.stream(), estimate.toString());
        UpscaleOptions options = UpscaleOptions.builder()
                .format(ImageFormat.PNG)
                .quality(9)
                .metadata(MetadataChoice.STRIP)
                .width(200)
                .height(200)
                .fit(Fit.COVER)
                .model(bytes.models().get(0).name())
                .strength(1)
                .build();
        estimate = json.estimate(400, 300, 3, options);
        assertEquals(List.of(200, 200), List.of(estimate.width(), estimate.height()));
        assertRefused(
                422,
                "image_too_large",
                assertThrows(UpscaleException.Rejected.class, () -> bytes.estimate(100_000, 100_000)));
    }

    @Test
    void aSizeOutOfRangeIsRefused() {
        UpscaleInput input = UpscaleInput.fromBytes(Samples.noise(8, 40, 30))
                .with(UpscaleOptions.builder().width(1_000_000_000).build());
        UpscaleException failure = assertThrows(UpscaleException.class, () -> json.upscale(input));
        assertRefused(422, "size_out_of_range", failure);
        assertTrue(failure.detail().contains("at most 320 px"), failure::detail);
    }

    @ParameterizedTest
    @EnumSource(Wire.class)
    void theModelIsTheOneThatIsNamed(Wire wire) throws Exception {
        UpscaleClient client = wire == Wire.JSON ? json : bytes;
        List<Model> models = client.models();
        Model first = models.get(0);
        assertTrue(first.isDefault());
        UpscaleInput input = UpscaleInput.fromBytes(Samples.noise(9, 20, 20));
        UpscaleOptionsBuilder options = UpscaleOptions.builder();
        assertEquals(client.upscale(input), client.upscale(input.with(options.model(first.name()).build())));
        UpscaleInput unknown = input.with(options.model("../other model").build());
        UpscaleException failure = assertThrows(UpscaleException.class, () -> client.upscale(unknown));
        assertRefused(422, "unknown_model", failure);
        assertTrue(failure.detail().contains("'../other model'"), failure::detail);
        assertTrue(failure.detail().contains(first.name()), failure::detail);
    }

    @Test
    void sixteenThreadsEachGetTheirOwnAnswer() throws Exception {
        List<byte[]> pictures = new ArrayList<>();
        List<UpscaleOutput> expected = new ArrayList<>();
        for (int i = 0; i < SLOTS; i++) {
            pictures.add(Samples.noise(i, 40 + i, 30));
            expected.add(bytes.upscale(pictures.get(i)));
            assertEquals(Optional.of(List.of(2 * (40 + i), 60)), Samples.size(expected.get(i).image()));
        }
        assertEquals(SLOTS, new HashSet<>(expected).size());
        ExecutorService threads = Executors.newFixedThreadPool(SLOTS);
        try {
            CyclicBarrier together = new CyclicBarrier(SLOTS);
            List<Callable<UpscaleOutput>> calls = new ArrayList<>();
            for (int i = 0; i < SLOTS; i++) {
                UpscaleClient client = i % 2 == 0 ? json : bytes;
                byte[] picture = pictures.get(i);
                calls.add(() -> {
                    together.await();
                    return client.upscale(picture);
                });
            }
            List<Future<UpscaleOutput>> answers = threads.invokeAll(calls);
            for (int i = 0; i < SLOTS; i++) {
                assertEquals(expected.get(i), answers.get(i).get());
            }
        } finally {
            threads.shutdownNow();
        }
    }

    @ParameterizedTest
    @EnumSource(Wire.class)
    void aCorruptPictureIsRefused(Wire wire) throws Exception {
        byte[] whole = Files.readAllBytes(Samples.FOLDER.resolve("face.jpg"));
        byte[] cut = Arrays.copyOf(whole, whole.length / 2);
        UpscaleClient client = wire == Wire.JSON ? json : bytes;
        assertRefused(422, "image_corrupt", assertThrows(UpscaleException.class, () -> client.upscale(cut)));
    }

    @ParameterizedTest
    @EnumSource(Wire.class)
    void aPictureOverTheLimitIsRefused(Wire wire) throws Exception {
        JsonObject example = Json.read(Files.readAllBytes(Path.of("..", "tests", "wire", "too-many-pixels.json")));
        JsonObject message = example.getAsJsonObject("request").getAsJsonObject("json");
        byte[] huge = Base64.getDecoder().decode(message.get("imageBase64").getAsString());
        UpscaleClient client = wire == Wire.JSON ? json : bytes;
        assertRefused(422, "image_too_large", assertThrows(UpscaleException.class, () -> client.upscale(huge)));
    }

    @ParameterizedTest
    @EnumSource(Wire.class)
    void aBodyOverTheLimitIsRefused(Wire wire) {
        UpscaleClient client = wire == Wire.JSON ? json : bytes;
        byte[] large = new byte[65 << 20];
        assertRefused(413, "body_too_large", assertThrows(UpscaleException.class, () -> client.upscale(large)));
    }

    @ParameterizedTest
    @EnumSource(Wire.class)
    void anEmptyPictureIsRefused(Wire wire) {
        UpscaleClient client = wire == Wire.JSON ? json : bytes;
        byte[] empty = new byte[0];
        assertRefused(400, "malformed_message", assertThrows(UpscaleException.class, () -> client.upscale(empty)));
    }

    @Test
    void aFormatThatCanNotHoldItIsRefused() throws Exception {
        UpscaleInput input = UpscaleInput.fromFile(Samples.FOLDER.resolve("transparent-logo.png"))
                .with(new UpscaleOptions(ImageFormat.JPEG, null));
        assertRefused(422, "format_cannot_hold", assertThrows(UpscaleException.class, () -> bytes.upscale(input)));
    }

    @Test
    void anotherPathIsRefused() {
        UpscaleClient lost = UpscaleClient.of(service.url() + "/nowhere");
        assertRefused(404, "not_found", assertThrows(UpscaleException.class, lost::ping));
    }

    @Test
    void aBusyServiceIsTriedAgainUntilItIsNot() throws Exception {
        byte[] picture = Samples.noise(99, 20, 20);
        UpscaleOutput expected = json.upscale(picture);
        List<Socket> uploads = new ArrayList<>();
        try {
            UpscaleException busy = busy(uploads, picture);
            assertRefused(429, "too_many_requests", busy);
            assertTrue(busy.retryAfter().orElseThrow().toSeconds() >= 1);
            FutureTask<UpscaleOutput> patient = new FutureTask<>(() -> UpscaleClient.builder(service.url())
                    .retries(20)
                    .build()
                    .upscale(picture));
            Thread thread = new Thread(patient);
            thread.start();
            Threads.awaitSleep(thread);
            close(uploads);
            assertEquals(expected, patient.get());
        } finally {
            close(uploads);
        }
    }

    /**
     * Starts slow uploads until they occupy all request slots. The service reads their heads at its own pace, so a
     * probe may take an upload's slot; then one more upload is started.
     */
    private UpscaleException busy(List<Socket> uploads, byte[] picture) throws IOException, InterruptedException {
        UpscaleClient impatient = UpscaleClient.builder(service.url()).retries(0).build();
        while (uploads.size() < 10 * SLOTS) {
            uploads.add(beginUpload());
            if (uploads.size() >= SLOTS) {
                try {
                    impatient.upscale(picture);
                } catch (UpscaleException busy) {
                    return busy;
                }
            }
        }
        throw new AssertionError("never busy");
    }

    private Socket beginUpload() throws IOException {
        Socket socket = new Socket("localhost", service.port());
        String head = "POST /upscale HTTP/1.1\r\nHost: localhost\r\n"
                + "Content-Type: image/png\r\nContent-Length: 9\r\n\r\n";
        socket.getOutputStream().write(head.getBytes(StandardCharsets.US_ASCII));
        return socket;
    }

    private static void close(List<Socket> sockets) throws IOException {
        for (Socket socket : sockets) {
            socket.close();
        }
    }

    private static void assertRefused(int status, String code, UpscaleException failure) {
        assertEquals(status, failure.status(), failure::getMessage);
        assertEquals(Optional.of(code), failure.code());
        assertTrue(failure.requestId().isPresent());
        assertNotEquals("", failure.detail());
    }
}

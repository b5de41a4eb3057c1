package imagesuperscaling.client;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;

/** Jobs of the real service. */
@ExtendWith(Service.Running.class)
class JobsIT {
    @TempDir
    Path folder;

    private UpscaleClient client;
    private JobsClient jobs;

    @BeforeEach
    void client(Service service) {
        client = UpscaleClient.of(service.url());
        jobs = client.jobs();
    }

    @Test
    void theResultIsThatOfAPlainRequest() throws Exception {
        Path input = Samples.FOLDER.resolve("face.jpg");
        UpscaleOptions options =
                UpscaleOptions.builder().format(ImageFormat.PNG).scale(1.5).build();
        String group = "java-" + UUID.randomUUID(); // an earlier run's jobs may be there
        Job job = jobs.submit(JobInput.fromFile(input).with(options).inGroup(group));
        List<Job> seen = new ArrayList<>();
        Job done = jobs.await(job, seen::add);
        assertEquals(JobState.DONE, done.state());
        assertTrue(done.total() > 0 && done.done() == done.total(), done.toString());
        assertEquals(done, seen.get(seen.size() - 1));
        UpscaleOutput plain = client.upscale(UpscaleInput.fromFile(input).with(options));
        assertEquals(plain, jobs.result(job));
        jobs.download(job, folder.resolve("out.png"));
        assertArrayEquals(plain.image(), Files.readAllBytes(folder.resolve("out.png")));
        assertEquals(List.of(done), jobs.list(group));
        jobs.cancel(job); // deletes the result
        assertThrows(UpscaleException.Expired.class, () -> jobs.result(job));
    }

    @Test
    void theSameKeyFindsTheSameJob() throws Exception {
        JobInput input = JobInput.fromBytes(Samples.noise(5, 30, 20)).withIdempotencyKey("java-test");
        Job first = jobs.submit(input);
        assertEquals(first.id(), jobs.submit(input).id());
        UpscaleException failure = assertThrows(
                UpscaleException.Rejected.class,
                () -> jobs.submit(JobInput.fromBytes(Samples.noise(6, 30, 20)).withIdempotencyKey("java-test")));
        assertEquals(Optional.of("idempotency_mismatch"), failure.code());
        jobs.await(first);
    }

    @Test
    void whatIsRefused() throws Exception {
        assertThrows(UpscaleException.NotFound.class, () -> jobs.find("01JDJ00000000000000000000A"));
        UpscaleException failure = assertThrows(
                UpscaleException.class, () -> jobs.submit(JobInput.fromBytes("no image".getBytes())));
        assertEquals(415, failure.status());
        assertThrows(
                UpscaleException.Rejected.class,
                () -> jobs.submit(JobInput.fromBytes(Samples.noise(1, 9, 9))
                        .with(UpscaleOptions.builder().model("none").build())));
    }

    @Test
    void aFutureOfTheResult() throws Exception {
        byte[] image = Samples.noise(9, 40, 30);
        UpscaleOutput output = jobs.enlargeAsync(JobInput.fromBytes(image)).get(120, TimeUnit.SECONDS);
        assertEquals(client.upscale(image), output);
    }
}

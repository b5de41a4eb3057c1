package imagesuperscaling.client.cli;

import imagesuperscaling.client.Job;
import imagesuperscaling.client.JobInput;
import imagesuperscaling.client.JobState;
import imagesuperscaling.client.JobsClient;
import imagesuperscaling.client.UpscaleException;
import java.io.IOException;
import java.io.InputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.HexFormat;

/** Hands images in as jobs, and fetches their results in the same order. The keys of the jobs are those of earlier runs. */
final class JobRun {
    /** How many earlier jobs of an image that have no result (failed, cancelled, expired) are passed over. */
    private static final int MAX_GENERATIONS = 8;
    /** Sets these keys apart from whatever else makes keys of files. */
    private static final String SALT = "imagesuperscaling.client.cli 1";

    private final JobsClient jobs;
    /** Of the jobs, or null. */
    private final String group;
    private final PrintStream progress;
    private final boolean quiet;
    private final Deque<Submitted> open = new ArrayDeque<>();

    JobRun(Arguments arguments, PrintStream progress) {
        jobs = arguments.client().jobs();
        group = arguments.group();
        quiet = arguments.quiet();
        this.progress = progress;
    }

    /** A job whose result is not here. */
    private record Submitted(Enlargement image, Job job, int generation, long start) {}

    /** Enlarges all images, and returns the exit status. */
    int run(Plan plan) throws InterruptedException {
        Report report = new Report(progress, quiet, plan);
        try {
            for (Enlargement each : plan.images()) {
                report.attempt(each.input(), () -> {
                    each.check();
                    handIn(each, report);
                    return null;
                });
            }
            while (!open.isEmpty()) {
                finish(open.remove(), report);
            }
        } catch (InterruptedException stop) {
            progress.println("what is handed in goes on at the service; the same command fetches the results");
            throw stop;
        }
        return report.status();
    }

    /** Hands an image in; while the service has too much to do, finishes earlier ones. */
    private void handIn(Enlargement image, Report report) throws IOException, InterruptedException {
        for (; ; ) {
            try {
                open.add(submit(image, 0));
                return;
            } catch (UpscaleException.Busy full) {
                if (open.isEmpty()) {
                    throw full;
                }
                finish(open.remove(), report);
            }
        }
    }

    /** Submits an image, or finds its job; one of an earlier run that has no result is passed over. */
    private Submitted submit(Enlargement image, int first) throws IOException, InterruptedException {
        long start = System.nanoTime();
        for (int generation = first; ; generation++) {
            JobInput input = JobInput.fromFile(image.input()).with(image.options());
            JobInput grouped = group == null ? input : input.inGroup(group);
            Job job = jobs.submit(grouped.withIdempotencyKey(key(image, generation)));
            boolean isOver = job.state() == JobState.FAILED || job.state() == JobState.CANCELLED;
            if (!isOver || generation >= MAX_GENERATIONS) {
                return new Submitted(image, job, generation, start);
            }
        }
    }

    private void finish(Submitted submitted, Report report) throws InterruptedException {
        report.attempt(submitted.image().input(), () -> {
            try {
                return fetch(submitted);
            } catch (UpscaleException.Expired old) {
                if (submitted.generation() >= MAX_GENERATIONS) {
                    throw old;
                }
                return fetch(submit(submitted.image(), submitted.generation() + 1));
            }
        });
    }

    private String fetch(Submitted submitted) throws IOException, InterruptedException {
        Path output = submitted.image().output();
        Job job = jobs.await(submitted.job());
        submitted.image().makeFolder();
        String notes = jobs.download(job, output);
        return Report.line(Files.size(submitted.image().input()), output, Files.size(output), submitted.start(), notes);
    }

    /** The same in each run for the same content, options and group. */
    private String key(Enlargement image, int generation) throws IOException {
        try (InputStream in = Files.newInputStream(image.input())) {
            MessageDigest digest = MessageDigest.getInstance("SHA-256");
            String asked = String.join("\n", SALT, String.valueOf(generation), image.options().toString(), group + "\n");
            digest.update(asked.getBytes(StandardCharsets.UTF_8));
            byte[] piece = new byte[1 << 16];
            for (int count = in.read(piece); count >= 0; count = in.read(piece)) {
                digest.update(piece, 0, count);
            }
            return HexFormat.of().formatHex(digest.digest());
        } catch (NoSuchAlgorithmException impossible) {
            throw new AssertionError(impossible); // every JDK has it
        }
    }
}

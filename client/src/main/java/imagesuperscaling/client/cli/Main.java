package imagesuperscaling.client.cli;

import imagesuperscaling.client.Model;
import imagesuperscaling.client.UpscaleClient;
import imagesuperscaling.client.UpscaleException;
import imagesuperscaling.client.UpscaleInput;
import imagesuperscaling.client.UpscaleOutput;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.file.Files;
import java.util.List;
import java.util.Locale;

/** The command line of the client, as {@link Arguments#USAGE} describes it. */
public final class Main {
    private final UpscaleClient client;
    private final PrintStream progress;

    private Main(UpscaleClient client, PrintStream progress) {
        this.client = client;
        this.progress = progress;
    }

    /**
     * Runs the command line and exits.
     *
     * @param words the arguments
     */
    public static void main(String[] words) {
        System.exit(run(System.out, System.err, words));
    }

    /** Runs the command line and returns the exit status. */
    static int run(PrintStream out, PrintStream err, String... words) {
        try {
            Arguments arguments = Arguments.parse(words);
            switch (arguments.task()) {
                case HELP -> out.print(Arguments.USAGE);
                case LIST_MODELS -> list(arguments.client().models(), out);
                case ENLARGE -> {
                    return new Main(arguments.client(), err).enlarge(Job.of(arguments));
                }
            }
            return 0;
        } catch (UsageException wrong) {
            err.println(line(wrong.getMessage() + "; see --help"));
            return 2;
        } catch (IOException failure) {
            err.println(line(reason(failure)));
            return 1;
        } catch (InterruptedException stop) {
            err.println("interrupted");
            return 1;
        }
    }

    private static void list(List<Model> models, PrintStream out) {
        for (Model model : models) {
            String seconds = model.secondsPerMegapixel().isEmpty()
                    ? ""
                    : String.format(
                            Locale.ROOT, ", %.1f s per megapixel", model.secondsPerMegapixel().getAsDouble());
            out.println(line(String.format(
                    Locale.ROOT,
                    "%s%s: x%d, %s, %s%s, %s",
                    model.name(),
                    model.isDefault() ? " (default)" : "",
                    model.scale(),
                    model.kind(),
                    model.precision(),
                    seconds,
                    model.licence())));
        }
    }

    private int enlarge(List<Job> jobs) throws InterruptedException {
        int failed = 0;
        for (int i = 0; i < jobs.size(); i++) {
            Job job = jobs.get(i);
            String place = "[" + (i + 1) + "/" + jobs.size() + "] " + job.input() + ": ";
            try {
                progress.println(line(place + enlarge(job)));
            } catch (IOException | OutOfMemoryError failure) {
                failed++;
                progress.println(line(place + "failed: " + reason(failure)));
            }
        }
        if (failed > 0) {
            progress.println(failed + " of " + jobs.size() + " failed");
        }
        return failed > 0 ? 1 : 0;
    }

    private String enlarge(Job job) throws IOException, InterruptedException {
        long start = System.nanoTime();
        UpscaleInput input = UpscaleInput.fromFile(job.input()).with(job.options());
        UpscaleOutput output = client.upscale(input);
        Files.createDirectories(job.output().toAbsolutePath().getParent());
        output.toFile(job.output());
        return String.format(
                Locale.ROOT,
                "%s -> %s, %s, %.1f s%s",
                size(input.image()),
                job.output(),
                size(output.image()),
                (System.nanoTime() - start) / 1e9,
                output.notes().isEmpty() ? "" : " (" + output.notes() + ")");
    }

    private static String size(byte[] image) {
        return String.format(Locale.ROOT, "%.1f kB", image.length / 1000.0);
    }

    /** The reason of a failure. For file system errors the class says what happened, and the message where. */
    private static String reason(Throwable failure) {
        return failure instanceof UpscaleException
                ? failure.getMessage()
                : failure.getClass().getSimpleName() + ": " + failure.getMessage();
    }

    /** Removes line breaks and other control characters, which file names and responses may contain. */
    private static String line(String text) {
        return text.replaceAll("\\p{Cntrl}+", " ");
    }
}

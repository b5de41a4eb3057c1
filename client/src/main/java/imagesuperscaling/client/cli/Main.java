package imagesuperscaling.client.cli;

import imagesuperscaling.client.Model;
import imagesuperscaling.client.UpscaleClient;
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
                    return new Main(arguments.client(), err).enlarge(Enlargement.of(arguments));
                }
                case ENLARGE_AS_JOBS -> {
                    return new JobRun(arguments.client().jobs(), arguments.group(), err).run(Enlargement.of(arguments));
                }
            }
            return 0;
        } catch (UsageException wrong) {
            err.println(Report.line(wrong.getMessage() + "; see --help"));
            return 2;
        } catch (IOException failure) {
            err.println(Report.line(Report.reason(failure)));
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
            out.println(Report.line(String.format(
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

    private int enlarge(List<Enlargement> enlargements) throws InterruptedException {
        Report report = new Report(progress, enlargements.size());
        for (Enlargement each : enlargements) {
            report.attempt(each, () -> enlarge(each));
        }
        return report.status();
    }

    private String enlarge(Enlargement each) throws IOException, InterruptedException {
        long start = System.nanoTime();
        UpscaleInput input = UpscaleInput.fromFile(each.input()).with(each.options());
        UpscaleOutput output = client.upscale(input);
        Files.createDirectories(each.output().toAbsolutePath().getParent());
        output.toFile(each.output());
        return Report.line(input.image().length, each.output(), output.image().length, start, output.notes());
    }
}

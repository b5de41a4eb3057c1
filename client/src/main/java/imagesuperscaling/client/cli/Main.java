package imagesuperscaling.client.cli;

import imagesuperscaling.client.Model;
import imagesuperscaling.client.UpscaleClient;
import imagesuperscaling.client.UpscaleInput;
import imagesuperscaling.client.UpscaleOutput;
import java.io.IOException;
import java.io.PrintStream;
import java.util.List;
import java.util.Locale;

/** The command line of the client, as {@link Usage#TEXT} describes it. */
public final class Main {
    private final Arguments arguments;
    private final PrintStream progress;

    private Main(Arguments arguments, PrintStream progress) {
        this.arguments = arguments;
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
                case HELP -> out.print(Usage.TEXT);
                case VERSION -> out.println(Usage.VERSION);
                case LIST_MODELS -> list(arguments.client().models(), out);
                case ENLARGE_IN_STREAMS, ENLARGE_PLAINLY -> {
                    return new Main(arguments, err).enlarge(Plan.of(arguments));
                }
                case ENLARGE_AS_JOBS -> {
                    return new JobRun(arguments, err).run(Plan.of(arguments));
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

    private int enlarge(Plan plan) throws InterruptedException {
        Report report = new Report(progress, arguments.quiet(), plan);
        for (Enlargement each : plan.images()) {
            report.attempt(each.input(), () -> enlarge(each, report));
        }
        return report.status();
    }

    private String enlarge(Enlargement each, Report report) throws IOException, InterruptedException {
        each.check();
        long start = System.nanoTime();
        UpscaleInput input = UpscaleInput.fromFile(each.input()).with(each.options());
        UpscaleClient client = arguments.client();
        UpscaleOutput output = arguments.task() == Arguments.Task.ENLARGE_PLAINLY
                ? client.upscale(input)
                : client.upscale(input, report.listener(each.input()));
        each.makeFolder();
        output.toFile(each.output());
        return Report.line(input.image().length, each.output(), output.image().length, start, output.notes());
    }
}

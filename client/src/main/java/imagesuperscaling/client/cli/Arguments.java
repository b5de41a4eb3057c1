package imagesuperscaling.client.cli;

import imagesuperscaling.client.UpscaleClient;
import imagesuperscaling.client.UpscaleOptions;
import java.nio.file.Path;
import java.util.List;

/**
 * The parsed command line. {@code output}: a file or folder, or null: beside the inputs; {@code folder}: whether it ends
 * with a slash; {@code group}: of the jobs, or null.
 */
record Arguments(
        Task task,
        List<Path> inputs,
        Path output,
        boolean folder,
        UpscaleOptions options,
        UpscaleClient client,
        boolean force,
        boolean again,
        boolean quiet,
        String group) {
    /** What to do. */
    enum Task {
        HELP,
        VERSION,
        LIST_MODELS,
        ENLARGE_IN_STREAMS,
        ENLARGE_PLAINLY,
        ENLARGE_AS_JOBS
    }

    /** Parses a command line. */
    static Arguments parse(String... words) throws UsageException {
        return new ArgumentParser(words).parse();
    }

    /** The arguments of a task that takes no images. */
    static Arguments only(Task task, UpscaleClient client) {
        return new Arguments(
                task, List.of(), null, false, UpscaleOptions.DEFAULT, client, false, false, false, null);
    }
}

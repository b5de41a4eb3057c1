package imagesuperscaling.client.cli;

import imagesuperscaling.client.UpscaleException;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.file.Path;
import java.util.Locale;

/** Prints a line about each image, as soon as it is done or has failed. */
final class Report {
    private final PrintStream progress;
    private final int count;
    private int reported;
    private int failed;

    Report(PrintStream progress, int count) {
        this.progress = progress;
        this.count = count;
    }

    /** Work on one image; returns what to print, or null if it is not at its end. */
    @FunctionalInterface
    interface Work {
        String run() throws IOException, InterruptedException;
    }

    /** Works on one image. A failure is printed and stops no other image. */
    void attempt(Enlargement each, Work work) throws InterruptedException {
        try {
            String line = work.run();
            if (line != null) {
                print(each, line);
            }
        } catch (IOException | OutOfMemoryError failure) {
            failed++;
            print(each, "failed: " + reason(failure));
        }
    }

    /** Prints the number of failures, and returns the exit status. */
    int status() {
        if (failed > 0) {
            progress.println(failed + " of " + count + " failed");
        }
        return failed > 0 ? 1 : 0;
    }

    private void print(Enlargement each, String text) {
        reported++;
        progress.println(line("[" + reported + "/" + count + "] " + each.input() + ": " + text));
    }

    /** What is printed of an image that is done. {@code start}: in nanoseconds of {@link System#nanoTime}. */
    static String line(long inputBytes, Path output, long outputBytes, long start, String notes) {
        return String.format(
                Locale.ROOT,
                "%s -> %s, %s, %.1f s%s",
                size(inputBytes),
                output,
                size(outputBytes),
                (System.nanoTime() - start) / 1e9,
                notes.isEmpty() ? "" : " (" + notes + ")");
    }

    /** Removes line breaks and other control characters, which file names and responses may contain. */
    static String line(String text) {
        return text.replaceAll("\\p{Cntrl}+", " ");
    }

    /** The reason of a failure. For file system errors the class says what happened, and the message where. */
    static String reason(Throwable failure) {
        return failure instanceof UpscaleException
                ? failure.getMessage()
                : failure.getClass().getSimpleName() + ": " + failure.getMessage();
    }

    private static String size(long bytes) {
        return String.format(Locale.ROOT, "%.1f kB", bytes / 1000.0);
    }
}

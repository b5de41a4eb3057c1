package imagesuperscaling.client.cli;

import imagesuperscaling.client.UpscaleOptions;
import java.io.IOException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;

/** One image to enlarge. {@code replace}: whether the output may exist. */
record Enlargement(Path input, Path output, UpscaleOptions options, boolean replace) {
    /** Checks that the output may be written. */
    void check() throws FileAlreadyExistsException {
        // A dangling link exists as well.
        if (!replace && Files.exists(output, LinkOption.NOFOLLOW_LINKS)) {
            throw new FileAlreadyExistsException(output.toString());
        }
    }

    /** The same with an output that may exist. */
    Enlargement replacing() {
        return new Enlargement(input, output, options, true);
    }

    /** Creates the folder of the output. */
    void makeFolder() throws IOException {
        Files.createDirectories(output.toAbsolutePath().getParent());
    }
}

package imagesuperscaling.client.cli;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.Optional;

/** Reads the API key. It is no option itself, because whoever lists processes would see it. */
final class ApiKey {
    private static final String VARIABLE = "UPSCALE_API_KEY";

    private ApiKey() {}

    /** The key in a file, {@code -} for standard input, or null for what the environment has. */
    static Optional<String> read(String file) throws UsageException {
        if (file == null) {
            return Optional.ofNullable(System.getenv(VARIABLE)).map(String::strip).filter(key -> !key.isEmpty());
        }
        try {
            String key = file.equals("-") ? line() : Files.readString(Path.of(file));
            return Optional.of(key.strip());
        } catch (IOException | InvalidPathException wrong) {
            throw new UsageException("--key-file " + file + " can't be read: " + wrong.getClass().getSimpleName());
        }
    }

    private static String line() throws IOException {
        String line = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8)).readLine();
        return line == null ? "" : line;
    }
}

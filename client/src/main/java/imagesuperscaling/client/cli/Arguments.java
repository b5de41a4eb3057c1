package imagesuperscaling.client.cli;

import imagesuperscaling.client.Fit;
import imagesuperscaling.client.ImageFormat;
import imagesuperscaling.client.MetadataChoice;
import imagesuperscaling.client.UpscaleClient;
import imagesuperscaling.client.UpscaleClientBuilder;
import imagesuperscaling.client.UpscaleOptions;
import imagesuperscaling.client.UpscaleOptionsBuilder;
import imagesuperscaling.client.Wire;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Deque;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;

/**
 * The parsed command line. {@code target}: the last path; {@code folder}: whether it ends with a slash; {@code group}: of
 * the jobs, or null.
 */
record Arguments(
        Task task,
        List<Path> inputs,
        Path target,
        boolean folder,
        UpscaleOptions options,
        UpscaleClient client,
        String group) {
    /** What to do. */
    enum Task {
        HELP,
        LIST_MODELS,
        ENLARGE,
        ENLARGE_AS_JOBS
    }

    private static final int MAX_SIDE = 9_999_999;
    private static final Map<String, String> OTHER_NAMES = Map.of("jpg", "jpeg", "tif", "tiff");

    static final String USAGE = """
            usage: java -jar image-super-scaling-client-0.1.0-cli.jar [options] INPUT... OUTPUT

            Enlarges pictures, to twice their width and height unless you ask for another size.

              in.jpg out.jpg             one file; in.jpg out.png also changes the format
              one.jpg two.png folder     several files into a folder, which is created if missing
              pictures folder            all pictures in a folder, without subfolders

              --url URL        address of the service (default: http://localhost:7777)
              --key-file FILE  a file with the API key for the service, - for standard input (default: the environment
                               variable UPSCALE_API_KEY)
              --scale N        factor of both sides, 1 to 8, such as 1.5 (default: 2)
              --width PX       instead of --scale: width of the outputs; alone it keeps the ratio
              --height PX      instead of --scale: height of the outputs; alone it keeps the ratio
              --fit HOW        how both together are meant: inside (as large as fits), cover (cut), fill (stretched)
              --model NAME     one of the service's models (default: its first)
              --strength S     the model's share of the outputs, 0 to 1, if it has strength (default: 1)
              --models         list the service's models, and exit
              --format F       output format: jpeg, png, webp, tiff, bmp, gif, avif (default: as the input)
              --quality N      quality of JPEG, WebP and AVIF output, 1 to 100 (default: the service's)
              --metadata M     what the outputs keep: keep, strip or colour (default: keep, all they can hold)
              --jobs           hand the pictures in as jobs, which the service does even if this program ends; the same
                               command again fetches the results of those that it finds there
              --group NAME     with --jobs: a name for these jobs
              --json, --bytes  send pictures in JSON (default) or as plain files
              --retries N      retries when the service is busy or unavailable (default: 3)
              --timeout S      seconds for each attempt (default: 150)
              --help           show this text

            Outputs in a folder keep the input's name; --format changes the extension. Existing files are replaced.
            HEIC becomes JPEG there, which has no transparency: transparent ones need --format png.
            Exit status: 0 success, 1 some pictures failed, 2 wrong usage.
            """;

    /** Parses a command line. */
    static Arguments parse(String... words) throws UsageException {
        Deque<String> rest = new ArrayDeque<>(Arrays.asList(words));
        List<String> paths = new ArrayList<>();
        String url = "http://localhost:7777";
        String keyFile = null;
        Task task = Task.ENLARGE;
        UpscaleOptionsBuilder options = UpscaleOptions.builder();
        Integer retries = null;
        Integer timeout = null;
        Wire wire = Wire.JSON;
        boolean jobs = false;
        String group = null;
        while (!rest.isEmpty()) {
            String word = rest.remove();
            if (!word.startsWith("-") || word.equals("-")) {
                paths.add(word);
                continue;
            }
            int equals = word.indexOf('=');
            if (word.startsWith("--") && equals > 0) {
                rest.push(word.substring(equals + 1));
                word = word.substring(0, equals);
                if (!word.matches("--(url|key-file|scale|width|height|fit|model|strength|format|quality|metadata|group|retries|timeout)")) {
                    throw new UsageException(word + " takes no value, or is unknown");
                }
            }
            switch (word) {
                case "--help", "-h" -> {
                    return new Arguments(Task.HELP, List.of(), null, false, UpscaleOptions.DEFAULT, null, null);
                }
                case "--models" -> task = Task.LIST_MODELS;
                case "--jobs" -> jobs = true;
                case "--group" -> group = group(value(word, rest));
                case "--json" -> wire = Wire.JSON;
                case "--bytes" -> wire = Wire.BYTES;
                case "--url" -> url = value(word, rest);
                case "--key-file" -> keyFile = value(word, rest);
                case "--scale" -> options.scale(scale(value(word, rest)));
                case "--width" -> options.width(number(word, value(word, rest), 1, MAX_SIDE));
                case "--height" -> options.height(number(word, value(word, rest), 1, MAX_SIDE));
                case "--fit" -> options.fit(fit(value(word, rest)));
                case "--model" -> options.model(value(word, rest));
                case "--strength" -> options.strength(strength(value(word, rest)));
                case "--format" -> options.format(format(value(word, rest)));
                case "--quality" -> options.quality(number(word, value(word, rest), 1, 100));
                case "--metadata" -> options.metadata(metadata(value(word, rest)));
                case "--retries" -> retries = number(word, value(word, rest), 0, 1_000_000);
                case "--timeout" -> timeout = number(word, value(word, rest), 1, 1_000_000);
                case "--" -> {
                    paths.addAll(rest);
                    rest.clear();
                }
                default -> throw new UsageException(word + " is unknown");
            }
        }
        if (group != null && !jobs) {
            throw new UsageException("--group needs --jobs");
        }
        UpscaleClient client = client(url, ApiKey.read(keyFile), wire, retries, timeout);
        if (task == Task.LIST_MODELS) {
            if (!paths.isEmpty()) {
                throw new UsageException("--models takes no files");
            }
            return new Arguments(task, List.of(), null, false, UpscaleOptions.DEFAULT, client, null);
        }
        if (paths.size() < 2) {
            throw new UsageException("name at least one input and the output");
        }
        String target = paths.remove(paths.size() - 1);
        try {
            return new Arguments(
                    jobs ? Task.ENLARGE_AS_JOBS : task,
                    paths.stream().map(Path::of).toList(),
                    Path.of(target),
                    target.endsWith("/"),
                    options.build(),
                    client,
                    group);
        } catch (IllegalArgumentException wrong) { // also of a path
            throw new UsageException(wrong.getMessage());
        }
    }

    private static UpscaleClient client(
            String url, Optional<String> key, Wire wire, Integer retries, Integer timeout) throws UsageException {
        UpscaleClientBuilder client;
        try {
            client = UpscaleClient.builder(url).wire(wire);
        } catch (IllegalArgumentException wrong) {
            throw new UsageException("--url: " + wrong.getMessage());
        }
        try {
            key.ifPresent(client::apiKey);
            if (retries != null) {
                client.retries(retries);
            }
            if (timeout != null) {
                client.requestTimeout(Duration.ofSeconds(timeout));
            }
            return client.build();
        } catch (IllegalArgumentException wrong) {
            throw new UsageException(wrong.getMessage());
        }
    }

    private static String value(String option, Deque<String> rest) throws UsageException {
        if (rest.isEmpty()) {
            throw new UsageException(option + " needs a value");
        }
        return rest.remove();
    }

    private static ImageFormat format(String text) throws UsageException {
        String name = text.toLowerCase(Locale.ROOT);
        return ImageFormat.ofWireName(OTHER_NAMES.getOrDefault(name, name))
                .orElseThrow(() ->
                        new UsageException("--format is one of jpeg, png, webp, tiff, bmp, gif, avif, not " + text));
    }

    private static MetadataChoice metadata(String text) throws UsageException {
        return MetadataChoice.ofWireName(text)
                .orElseThrow(() -> new UsageException("--metadata is one of keep, strip, colour, not " + text));
    }

    private static Fit fit(String text) throws UsageException {
        return Fit.ofWireName(text)
                .orElseThrow(() -> new UsageException("--fit is one of inside, cover, fill, not " + text));
    }

    private static String group(String text) throws UsageException {
        if (!text.matches("[A-Za-z0-9][A-Za-z0-9._-]{0,199}")) {
            throw new UsageException("--group is 1 to 200 letters, digits, dots, dashes or underscores, not " + text);
        }
        return text;
    }

    private static double scale(String text) throws UsageException {
        if (text.matches("[1-8](\\.[0-9]{1,9})?")) {
            double scale = Double.parseDouble(text);
            if (scale <= 8) {
                return scale;
            }
        }
        throw new UsageException("--scale is a number from 1 to 8, not " + text);
    }

    private static double strength(String text) throws UsageException {
        if (text.matches("1(\\.0{1,6})?|0(\\.[0-9]{1,6})?")) {
            return Double.parseDouble(text);
        }
        throw new UsageException("--strength is a number from 0 to 1, not " + text);
    }

    private static int number(String option, String text, int min, int max) throws UsageException {
        if (text.matches("[0-9]{1,7}")) {
            int number = Integer.parseInt(text);
            if (number >= min && number <= max) {
                return number;
            }
        }
        throw new UsageException(option + " is a number from " + min + " to " + max + ", not " + text);
    }
}

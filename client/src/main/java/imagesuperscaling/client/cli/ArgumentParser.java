package imagesuperscaling.client.cli;

import imagesuperscaling.client.UpscaleClient;
import imagesuperscaling.client.UpscaleClientBuilder;
import imagesuperscaling.client.UpscaleOptions;
import imagesuperscaling.client.UpscaleOptionsBuilder;
import imagesuperscaling.client.Wire;
import imagesuperscaling.client.cli.Arguments.Task;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Deque;
import java.util.List;
import java.util.Optional;

/** Reads a command line, word by word. */
final class ArgumentParser {
    private static final String WITH_VALUE = "--(output|url|key-file|scale|width|height|fit|model|strength|format|quality"
            + "|metadata|group|retries|timeout)";

    private final Deque<String> rest;
    private final List<String> paths = new ArrayList<>();
    private final UpscaleOptionsBuilder options = UpscaleOptions.builder();
    private Task task = Task.ENLARGE_IN_STREAMS;
    private String output;
    private String url = "http://localhost:7777";
    private String keyFile;
    private Integer retries;
    private Integer timeout;
    private Wire wire = Wire.BYTES;
    private boolean models;
    private boolean jobs;
    private boolean force;
    private boolean again;
    private boolean quiet;
    private String group;

    ArgumentParser(String... words) {
        rest = new ArrayDeque<>(Arrays.asList(words));
    }

    Arguments parse() throws UsageException {
        while (!rest.isEmpty()) {
            String word = rest.remove();
            int equals = word.indexOf('=');
            if (word.startsWith("--") && equals > 0) {
                rest.push(word.substring(equals + 1));
                word = word.substring(0, equals);
                if (!word.matches(WITH_VALUE)) {
                    throw new UsageException(word + " takes no value, or is unknown");
                }
            }
            switch (word) {
                case "--help", "-h" -> {
                    return Arguments.only(Task.HELP, null);
                }
                case "--version" -> {
                    return Arguments.only(Task.VERSION, null);
                }
                case "--" -> {
                    paths.addAll(rest);
                    rest.clear();
                }
                default -> read(word);
            }
        }
        return finish();
    }

    private void read(String word) throws UsageException {
        switch (word) {
            case "--models" -> models = true;
            case "--jobs" -> jobs = true;
            case "--group" -> group = Values.group(value(word));
            case "--json" -> plainly(Wire.JSON);
            case "--bytes" -> plainly(Wire.BYTES);
            case "--force" -> force = true;
            case "--again" -> again = true;
            case "--quiet", "-q" -> quiet = true;
            case "--output", "-o" -> output = value(word);
            case "--url" -> url = value(word);
            case "--key-file" -> keyFile = value(word);
            case "--scale" -> options.scale(Values.scale(value(word)));
            case "--width" -> options.width(Values.number(word, value(word), 1, Values.MAX_SIDE));
            case "--height" -> options.height(Values.number(word, value(word), 1, Values.MAX_SIDE));
            case "--fit" -> options.fit(Values.fit(value(word)));
            case "--model" -> options.model(value(word));
            case "--strength" -> options.strength(Values.strength(value(word)));
            case "--format" -> options.format(Values.format(value(word)));
            case "--quality" -> options.quality(Values.number(word, value(word), 1, 100));
            case "--metadata" -> options.metadata(Values.metadata(value(word)));
            case "--retries" -> retries = Values.number(word, value(word), 0, 1_000_000);
            case "--timeout" -> timeout = Values.number(word, value(word), 1, 1_000_000);
            default -> {
                if (word.startsWith("-") && !word.equals("-")) {
                    throw new UsageException(word + " is unknown");
                }
                paths.add(word);
            }
        }
    }

    private void plainly(Wire value) {
        wire = value;
        task = Task.ENLARGE_PLAINLY;
    }

    private String value(String option) throws UsageException {
        if (rest.isEmpty()) {
            throw new UsageException(option + " needs a value");
        }
        return rest.remove();
    }

    private Arguments finish() throws UsageException {
        if (group != null && !jobs) {
            throw new UsageException("--group needs --jobs");
        }
        UpscaleClient client = client(ApiKey.read(keyFile));
        if (models) {
            if (!paths.isEmpty()) {
                throw new UsageException("--models takes no files");
            }
            return Arguments.only(Task.LIST_MODELS, client);
        }
        if (output == null && paths.size() > 1) {
            output = paths.remove(paths.size() - 1);
        }
        if (paths.isEmpty()) {
            throw new UsageException("name at least one input");
        }
        if (paths.contains("-") || "-".equals(output)) {
            throw new UsageException("- is no file: pipes are for the command line in Python, or curl");
        }
        if (paths.contains("") || "".equals(output)) {
            throw new UsageException("a path is an empty text: is the variable that should name it set?");
        }
        try {
            return new Arguments(
                    jobs ? Task.ENLARGE_AS_JOBS : task,
                    paths.stream().map(Path::of).toList(),
                    output == null ? null : Path.of(output),
                    output != null && output.endsWith("/"),
                    options.build(),
                    client,
                    force,
                    again,
                    quiet,
                    group);
        } catch (IllegalArgumentException wrong) { // also of a path
            throw new UsageException(wrong.getMessage());
        }
    }

    private UpscaleClient client(Optional<String> key) throws UsageException {
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
}

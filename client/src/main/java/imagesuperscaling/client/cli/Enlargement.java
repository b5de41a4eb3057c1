package imagesuperscaling.client.cli;

import imagesuperscaling.client.ImageFormat;
import imagesuperscaling.client.UpscaleOptions;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;

/** One image to enlarge. */
record Enlargement(Path input, Path output, UpscaleOptions options) {
    /** The images of a command line. Rejects those that would replace their own input or share an output. */
    static List<Enlargement> of(Arguments arguments) throws UsageException, IOException {
        List<Path> inputs = new ArrayList<>();
        boolean intoFolder =
                arguments.folder() || arguments.inputs().size() > 1 || Files.isDirectory(arguments.target());
        for (Path input : arguments.inputs()) {
            intoFolder |= Files.isDirectory(input);
            inputs.addAll(Files.isDirectory(input) ? pictures(input) : List.of(input));
        }
        if (intoFolder && Files.exists(arguments.target()) && !Files.isDirectory(arguments.target())) {
            throw new UsageException(arguments.target() + " is a file; for several pictures, name a folder");
        }
        List<Enlargement> enlargements = new ArrayList<>();
        for (Path input : inputs) {
            enlargements.add(intoFolder ? inFolder(input, arguments) : single(input, arguments));
        }
        check(enlargements);
        return enlargements;
    }

    private static List<Path> pictures(Path folder) throws UsageException, IOException {
        try (Stream<Path> files = Files.list(folder)) {
            List<Path> pictures = files.filter(Files::isRegularFile)
                    .filter(file -> ImageFormat.ofFileName(file).isPresent() || ImageFormat.isReadOnly(file))
                    .sorted()
                    .toList();
            if (pictures.isEmpty()) {
                throw new UsageException("there are no pictures in " + folder);
            }
            return pictures;
        }
    }

    private static Enlargement inFolder(Path input, Arguments arguments) {
        String name = input.getFileName().toString();
        UpscaleOptions options = arguments.options();
        if (options.format() == null && ImageFormat.isReadOnly(input)) {
            options = options.toBuilder().format(ImageFormat.JPEG).build();
        }
        ImageFormat format = options.format();
        if (format != null && format != ImageFormat.ofFileName(input).orElse(null)) {
            int dot = name.lastIndexOf('.');
            name = (dot > 0 ? name.substring(0, dot) : name) + "." + format.extension();
        }
        return new Enlargement(input, arguments.target().resolve(name), options);
    }

    /** Requests the output's format if the extensions of input and output differ. */
    private static Enlargement single(Path input, Arguments arguments) {
        ImageFormat named = ImageFormat.ofFileName(arguments.target()).orElse(null);
        UpscaleOptions options = arguments.options();
        if (options.format() == null && named != ImageFormat.ofFileName(input).orElse(null)) {
            options = options.toBuilder().format(named).build();
        }
        return new Enlargement(input, arguments.target(), options);
    }

    private static void check(List<Enlargement> enlargements) throws UsageException, IOException {
        Map<Path, Path> inputOf = new HashMap<>();
        for (Enlargement each : enlargements) {
            Path other = inputOf.put(each.output.toAbsolutePath().normalize(), each.input);
            if (other != null) {
                throw new UsageException(other + " and " + each.input + " would both become " + each.output);
            }
        }
        for (Enlargement each : enlargements) {
            if (Files.exists(each.output) && Files.exists(each.input) && Files.isSameFile(each.input, each.output)) {
                throw new UsageException(each.output + " would replace its own input");
            }
        }
    }
}

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
import java.util.TreeMap;
import java.util.stream.Collectors;

/**
 * Which image becomes which file. {@code unreadable}: folders that can't be searched; {@code skipped}: files of folders
 * that are left alone, counted by the reason.
 */
record Plan(List<Enlargement> images, Map<Path, IOException> unreadable, Map<String, Integer> skipped) {
    private static final String DONE = "with a newer result, which --again replaces";

    /** Plans a command line. Rejects what would replace an input or another result, before anything is done. */
    static Plan of(Arguments arguments) throws UsageException, IOException {
        Path output = arguments.output();
        Inputs inputs = Inputs.find(arguments.inputs(), output);
        boolean intoFolder =
                output != null && (arguments.folder() || inputs.several() || Files.isDirectory(output));
        if (intoFolder && Files.exists(output) && !Files.isDirectory(output)) {
            throw new UsageException(output + " is a file; for several images, name a folder");
        }
        List<Enlargement> images = new ArrayList<>();
        Map<String, Integer> skipped = new TreeMap<>(inputs.skipped());
        List<Enlargement> all = new ArrayList<>();
        for (Inputs.Source source : inputs.sources()) {
            Enlargement image =
                    output == null || intoFolder ? named(source, arguments) : single(source.file(), arguments);
            all.add(image);
            boolean done = source.ofFolder() && isDone(image);
            if (done && !arguments.again() && !arguments.force()) {
                skipped.merge(DONE, 1, Integer::sum);
            } else {
                images.add(done ? image.replacing() : image);
            }
        }
        check(all);
        return new Plan(List.copyOf(images), inputs.unreadable(), skipped);
    }

    /** How many images and folders there are to be reported. */
    int count() {
        return images.size() + unreadable.size();
    }

    /** What was skipped, as a line; empty if nothing was. */
    String note() {
        return skipped.isEmpty() ? "" : "skipped in folders: " + listed(skipped);
    }

    /** Counted reasons, as text. */
    static String listed(Map<String, Integer> skipped) {
        return skipped.entrySet().stream()
                .map(each -> each.getKey() + " (" + each.getValue() + ")")
                .collect(Collectors.joining(", "));
    }

    /** An image whose result gets the name of the image. */
    private static Enlargement named(Inputs.Source source, Arguments arguments) {
        UpscaleOptions options = ResultName.writable(source.file(), arguments.options());
        boolean replace = arguments.force();
        if (arguments.output() == null) {
            String name = ResultName.of(source.file(), options, ResultName.suffix(options));
            return new Enlargement(source.file(), source.file().resolveSibling(name), options, replace);
        }
        Path place = source.place().resolveSibling(ResultName.of(source.file(), options, ""));
        return new Enlargement(source.file(), arguments.output().resolve(place), options, replace);
    }

    /** An image whose result has a name of its own. Requests the output's format if the extensions differ. */
    private static Enlargement single(Path input, Arguments arguments) throws UsageException {
        Path output = arguments.output();
        UpscaleOptions options = arguments.options();
        ImageFormat named = ImageFormat.ofFileName(output).orElse(null);
        if (named == null && ImageFormat.isReadOnly(output)) {
            throw new UsageException(output + " would be HEIC, which can't be written: name a .jpg or .png");
        }
        if (named != null && options.format() != null && options.format() != named) {
            throw new UsageException(output + " contradicts --format " + options.format().wireName());
        }
        if (named != null && named != ImageFormat.ofFileName(input).orElse(null)) {
            options = options.toBuilder().format(named).build();
        }
        return new Enlargement(input, output, options, arguments.force());
    }

    private static boolean isDone(Enlargement image) throws IOException {
        return Files.isRegularFile(image.output())
                && Files.getLastModifiedTime(image.output())
                                .compareTo(Files.getLastModifiedTime(image.input()))
                        >= 0;
    }

    private static void check(List<Enlargement> images) throws UsageException, IOException {
        Map<Path, Path> inputs = new HashMap<>();
        for (Enlargement each : images) {
            inputs.put(place(each.input()), each.input());
        }
        Map<Path, Path> inputOf = new HashMap<>();
        for (Enlargement each : images) {
            Path place = place(each.output());
            Path replaced = inputs.get(place);
            if (replaced != null && replaced.equals(each.input())) {
                throw new UsageException(each.output() + " would replace its own input");
            }
            if (replaced != null) {
                throw new UsageException(
                        each.output() + ", which " + each.input() + " would become, is an input itself");
            }
            Path other = inputOf.put(place, each.input());
            if (other != null) {
                throw new UsageException(other + " and " + each.input() + " would both become " + each.output());
            }
        }
    }

    /** Where a file is, or would be, with links followed as far as they exist. */
    private static Path place(Path file) throws IOException {
        Path whole = file.toAbsolutePath().normalize();
        if (Files.exists(whole) || whole.getParent() == null) {
            return Files.exists(whole) ? whole.toRealPath() : whole;
        }
        return place(whole.getParent()).resolve(whole.getFileName());
    }
}

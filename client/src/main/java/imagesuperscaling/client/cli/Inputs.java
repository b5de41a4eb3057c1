package imagesuperscaling.client.cli;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.stream.Stream;

/** The images that a command line names: files, and those in folders and their subfolders, each once. */
final class Inputs {
    /** An image. {@code place}: of its result below an output folder; {@code ofFolder}: whether a search found it. */
    record Source(Path file, Path place, boolean ofFolder) {}

    private final Path output;
    private final Map<Path, Source> sources = new LinkedHashMap<>();
    private final Map<String, Integer> skipped = new TreeMap<>();
    private final Map<Path, IOException> unreadable = new LinkedHashMap<>();
    private boolean several;
    /** In folders, however often they are named. */
    private int images;

    private Inputs(Path output) {
        this.output = output;
    }

    /** Finds the images. {@code output}: a folder that is not searched, or null: results go beside the images. */
    static Inputs find(List<Path> words, Path output) throws UsageException {
        Inputs found = new Inputs(output);
        found.several = words.size() > 1;
        for (Path word : words) {
            if (!Files.isDirectory(word)) {
                found.add(new Source(word, word.getFileName(), false));
                continue;
            }
            found.several = true;
            int before = found.images + found.unreadable.size();
            found.search(word, word);
            if (found.images + found.unreadable.size() == before) {
                throw new UsageException("there are no images in " + word + found.reasons());
            }
        }
        return found;
    }

    List<Source> sources() {
        return List.copyOf(sources.values());
    }

    /** Folders that can't be searched. */
    Map<Path, IOException> unreadable() {
        return unreadable;
    }

    /** Whether the command line may name more than one image, however many there are now. */
    boolean several() {
        return several;
    }

    /** Files of folders that are no inputs, counted by the reason. */
    Map<String, Integer> skipped() {
        return skipped;
    }

    private void add(Source source) {
        sources.putIfAbsent(source.file().toAbsolutePath().normalize(), source);
    }

    private void search(Path folder, Path root) {
        List<Path> shown;
        try (Stream<Path> all = Files.list(folder)) {
            shown = all.filter(path -> !path.getFileName().toString().startsWith(".")).sorted().toList();
        } catch (IOException failure) {
            unreadable.put(folder, failure);
            return;
        }
        for (Path path : shown) {
            if (!Files.isDirectory(path)) {
                consider(path, root);
            }
        }
        for (Path path : shown) {
            if (Files.isDirectory(path, LinkOption.NOFOLLOW_LINKS) && !isOutput(path)) {
                search(path, root);
            }
        }
    }

    /** Judges by the name, so that a damaged image is reported rather than skipped. */
    private void consider(Path file, Path root) {
        Optional<String> suffix = output == null ? ResultName.suffixOf(file) : Optional.empty();
        if (!Files.isRegularFile(file) || !ResultName.isImage(file)) {
            skip("not named like an image");
        } else if (suffix.isPresent()) {
            skip("named *" + suffix.get() + ".*, like results");
        } else {
            images++;
            add(new Source(file, root.relativize(file), true));
        }
    }

    private String reasons() {
        return skipped.isEmpty() ? "" : "; skipped in folders: " + Plan.listed(skipped);
    }

    private void skip(String reason) {
        skipped.merge(reason, 1, Integer::sum);
    }

    private boolean isOutput(Path folder) {
        try {
            return output != null && Files.exists(output) && Files.isSameFile(folder, output);
        } catch (IOException vanished) {
            return false;
        }
    }
}

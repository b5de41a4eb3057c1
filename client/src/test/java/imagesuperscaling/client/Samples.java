package imagesuperscaling.client;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.awt.image.BufferedImage;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.stream.Stream;
import javax.imageio.ImageIO;

/** Images for the tests against the real service. */
final class Samples {
    static final Path FOLDER = Path.of("..", "sample-images");

    private Samples() {}

    /** The sample images of the repository. */
    static List<Path> files() throws IOException {
        try (Stream<Path> files = Files.list(FOLDER)) {
            return files.filter(file -> ImageFormat.ofFileName(file).isPresent()).sorted().toList();
        }
    }

    /** A random image; different seeds give different images. */
    static byte[] noise(int seed, int width, int height) {
        Random random = new Random(seed);
        BufferedImage image = new BufferedImage(width, height, BufferedImage.TYPE_INT_RGB);
        for (int y = 0; y < height; y++) {
            for (int x = 0; x < width; x++) {
                image.setRGB(x, y, random.nextInt(1 << 24));
            }
        }
        ByteArrayOutputStream png = new ByteArrayOutputStream();
        try {
            ImageIO.write(image, "png", png);
        } catch (IOException impossible) {
            throw new UncheckedIOException(impossible);
        }
        return png.toByteArray();
    }

    /** Width and height in pixels; empty if the JDK can't read the format. */
    static Optional<List<Integer>> size(byte[] file) throws IOException {
        return Optional.ofNullable(ImageIO.read(new ByteArrayInputStream(file)))
                .map(image -> List.of(image.getWidth(), image.getHeight()));
    }

    static List<Integer> doubled(List<Integer> size) {
        return size.stream().map(edge -> 2 * edge).toList();
    }
}

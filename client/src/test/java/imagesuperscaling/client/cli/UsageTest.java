package imagesuperscaling.client.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Wrong usage, and help against it. */
class UsageTest extends InFolder {
    @ParameterizedTest
    @CsvSource(quoteCharacter = '"', value = {
        "\"\", name at least one input",
        "-o b.png, name at least one input",
        "a.png -o, -o needs a value",
        "a.png -o=b.png, -o=b.png is unknown",
        "a.png --output=, a path is an empty text: is the variable that should name it set?",
        "a.png --force=1, \"--force takes no value, or is unknown\"",
        "a.png --group=a, --group needs --jobs",
        "a.png --group=../a --jobs, \"--group is 1 to 200 letters, digits, dots, dashes or underscores, not ../a\"",
        "- -o b.png, \"- is no file: pipes are for the command line in Python, or curl\"",
        "a.png -o new.heic, \"new.heic would be HEIC, which can't be written: name a .jpg or .png\"",
        "a.png -o new.webp --format=png, new.webp contradicts --format png",
        "a.png a.jpg -o b/a.png, \"b/a.png is a file; for several images, name a folder\"",
        "b --force -o b, b/a.png would replace its own input",
        "texts, \"there are no images in texts; skipped in folders: not named like an image (1)\"",
        "a.png b.png --wrong, --wrong is unknown",
        "a.png b.png -x, -x is unknown",
        "a.png b.png --url, --url needs a value",
        "a.png b.png --url=ftp://h, --url: ftp://h is not a URL such as http://localhost:7777",
        "a.png b.png --json=1, \"--json takes no value, or is unknown\"",
        "a.png b.png --format=exe, \"--format is one of jpeg, png, webp, tiff, bmp, gif, avif, not exe\"",
        "a.png b.png --quality=0, \"--quality is a number from 1 to 100, not 0\"",
        "a.png b.png --quality=x, \"--quality is a number from 1 to 100, not x\"",
        "a.png b.png --metadata=all, \"--metadata is one of keep, strip, colour, not all\"",
        "a.png b.png --scale=0, \"--scale is a number from 1 to 8, not 0\"",
        "a.png b.png --scale=8.1, \"--scale is a number from 1 to 8, not 8.1\"",
        "a.png b.png --strength=1.1, \"--strength is a number from 0 to 1, not 1.1\"",
        "a.png b.png --strength=-1, \"--strength is a number from 0 to 1, not -1\"",
        "a.png b.png --scale=NaN, \"--scale is a number from 1 to 8, not NaN\"",
        "a.png b.png --width=0, \"--width is a number from 1 to 9999999, not 0\"",
        "a.png b.png --height=1.5, \"--height is a number from 1 to 9999999, not 1.5\"",
        "a.png b.png --fit=some, \"--fit is one of inside, cover, fill, not some\"",
        "a.png b.png --fit=fill, fit needs width or height",
        "a.png b.png --scale=2 --width=9, \"scale can't be combined with width, height or fit\"",
        "a.png b.png --model=, \"model is empty, must be a name\"",
        "--models a.png, --models takes no files",
        "a.png b.png --retries=-1, \"--retries is a number from 0 to 1000000, not -1\"",
        "a.png b.png --timeout=0, \"--timeout is a number from 1 to 1000000, not 0\"",
        "a.png a.png, a.png would replace its own input",
        "a.png ., ./a.png would replace its own input",
        "a.png b/a.png out, a.png and b/a.png would both become out/a.png",
        "a.png a.jpg out --format=webp, a.png and a.jpg would both become out/a.webp",
        "a.png b b/a.png, \"b/a.png is a file; for several images, name a folder\"",
        "empty out, there are no images in empty"
    })
    void wrongUsageDoesNothing(String words, String message) throws Exception {
        touch("a.png", "a.jpg", "b/a.png", "texts/README.md");
        Files.createDirectory(folder.resolve("empty"));
        List<String> before = everything();
        String url = "--url=http://localhost:1";
        String command = words.contains("--url") ? words : url + " " + words;
        List<String> all = new ArrayList<>();
        for (String word : command.strip().split(" ")) {
            all.add(word.startsWith("-") || word.isEmpty() ? word : folder + "/" + word);
        }
        assertEquals(2, Main.run(print(out), print(err), all.toArray(String[]::new)));
        assertEquals(message + "; see --help", String.join("\n", lines()));
        assertEquals(before, everything());
    }

    @ParameterizedTest
    @CsvSource({"--help", "-h"})
    void helpIsNoFailure(String option) {
        assertEquals(0, Main.run(print(out), print(err), "a", option));
        assertEquals(Usage.TEXT, out.toString(StandardCharsets.UTF_8));
        assertEquals(0, err.size());
    }

    @Test
    void theVersionIsThatOfTheLibrary() throws Exception {
        assertEquals(0, Main.run(print(out), print(err), "--version"));
        String version = out.toString(StandardCharsets.UTF_8).replace("image-super-scaling-client ", "").strip();
        String pom = Files.readString(Path.of("pom.xml"));
        assertTrue(pom.contains("<version>" + version + "</version>\n  <name>"), version);
    }
}

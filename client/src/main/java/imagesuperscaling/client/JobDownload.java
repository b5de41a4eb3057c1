package imagesuperscaling.client;

import java.io.IOException;
import java.io.InputStream;
import java.net.URI;
import java.net.http.HttpHeaders;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodySubscriber;
import java.net.http.HttpResponse.BodySubscribers;
import java.net.http.HttpResponse.ResponseInfo;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Fetches one result into a file, which goes on where a broken connection ended it. */
final class JobDownload {
    private static final Pattern PART = Pattern.compile("bytes (\\d{1,18})-\\d{1,18}/(\\d{1,18})");
    private static final Pattern SHA256_TAG = Pattern.compile("\"([0-9a-f]{64})\"");

    private final Requests requests;
    private final URI result;
    private final Path file;
    private final long maxBytes;
    /** The entity tag of what the file has a part of, or null. */
    private String tag;

    /** {@code file}: an existing, empty file. */
    JobDownload(Requests requests, URI result, Path file, long maxBytes) {
        this.requests = requests;
        this.result = result;
        this.file = file;
        this.maxBytes = maxBytes;
    }

    /** Fetches the result and returns the notes on it. */
    String fetch() throws IOException, InterruptedException {
        long before = 0;
        for (int tried = 0; ; tried++) {
            try {
                return attempt();
            } catch (UpscaleException failure) {
                long now = Files.size(file);
                tried = now > before ? 0 : tried; // a connection that brought something was not in vain
                before = now;
                requests.pauseRepeatable(failure, tried);
            }
        }
    }

    private String attempt() throws IOException, InterruptedException {
        HttpRequest.Builder request = HttpRequest.newBuilder(result);
        long size = Files.size(file);
        if (size > 0 && tag != null) {
            request.header("Range", "bytes=" + size + "-").header("If-Range", tag);
        }
        HttpResponse<byte[]> answer = requests.transport().exchange(request.build(), head -> into(head, size));
        if (answer.statusCode() != 200 && answer.statusCode() != 206) {
            throw Problems.refused(answer);
        }
        check(answer, size);
        return answer.headers().firstValue("X-Upscaler-Notes").orElse("");
    }

    /** Writes the body to the file: behind what it has, or from the beginning. */
    private BodySubscriber<Path> into(ResponseInfo head, long size) {
        if (total(head.statusCode(), head.headers(), size) < 0) {
            return BodySubscribers.mapping(new BoundedBody(0), nothing -> file); // hangs up at its first byte
        }
        if (head.statusCode() == 206) {
            return BodySubscribers.ofFile(file, StandardOpenOption.WRITE, StandardOpenOption.APPEND);
        }
        tag = head.headers().firstValue("ETag").filter(text -> !text.startsWith("W/")).orElse(null);
        return BodySubscribers.ofFile(file, StandardOpenOption.WRITE, StandardOpenOption.TRUNCATE_EXISTING);
    }

    /** The size of the whole result; negative if the response does not say it, is too large, or has another part. */
    private long total(int status, HttpHeaders headers, long size) {
        long total = -1;
        if (status == 200) {
            total = headers.firstValueAsLong("Content-Length").orElse(-1);
        } else {
            Matcher part = PART.matcher(headers.firstValue("Content-Range").orElse(""));
            if (part.matches() && Long.parseLong(part.group(1)) == size) {
                total = Long.parseLong(part.group(2));
            }
        }
        return total <= maxBytes ? total : -1;
    }

    private void check(HttpResponse<byte[]> answer, long size) throws IOException {
        long total = total(answer.statusCode(), answer.headers(), size);
        if (total < 0) {
            throw Problems.malformed(
                    answer, "it does not say its size, is larger than " + maxBytes + " bytes, or is another part", null);
        }
        Matcher sha256 = SHA256_TAG.matcher(tag == null ? "" : tag);
        if (Files.size(file) != total || (sha256.matches() && !sha256.group(1).equals(digest(file)))) {
            throw Problems.malformed(answer, "the result did not arrive as the service has it", null);
        }
    }

    private static String digest(Path file) throws IOException {
        try (InputStream in = Files.newInputStream(file)) {
            MessageDigest digest = MessageDigest.getInstance("SHA-256");
            byte[] piece = new byte[1 << 16];
            for (int count = in.read(piece); count >= 0; count = in.read(piece)) {
                digest.update(piece, 0, count);
            }
            return HexFormat.of().formatHex(digest.digest());
        } catch (NoSuchAlgorithmException impossible) {
            throw new AssertionError(impossible); // every JDK has it
        }
    }
}

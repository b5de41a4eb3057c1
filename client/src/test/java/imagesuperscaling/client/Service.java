package imagesuperscaling.client;

import java.io.IOException;
import java.net.ServerSocket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.extension.BeforeAllCallback;
import org.junit.jupiter.api.extension.ExtensionContext;
import org.junit.jupiter.api.extension.ExtensionContext.Namespace;
import org.junit.jupiter.api.extension.ExtensionContext.Store.CloseableResource;
import org.junit.jupiter.api.extension.ParameterContext;
import org.junit.jupiter.api.extension.ParameterResolver;

/** The real service, started once for all tests that take it as a parameter, and stopped after the last. */
final class Service implements CloseableResource {
    /** The first start may install packages. */
    private static final Duration START = Duration.ofMinutes(15);
    /** A little more than the longest graceful shutdown. */
    private static final Duration STOP = Duration.ofSeconds(100);
    private static final Path LOG = Path.of("target", "service.log");

    private final Process process;
    private final int port;

    private Service() throws IOException, InterruptedException {
        try (ServerSocket free = new ServerSocket(0)) {
            port = free.getLocalPort();
        }
        ProcessBuilder make = new ProcessBuilder("make", "run")
                .directory(Path.of("..").toFile())
                .redirectErrorStream(true)
                .redirectOutput(LOG.toFile());
        make.environment().put("PORT", String.valueOf(port));
        make.environment().put("UPSCALER_HOST", "127.0.0.1");
        make.environment().put("UPSCALER_JOBS_STORE", Path.of("target", "jobs").toAbsolutePath().toString());
        process = make.start();
        // Also when the build is aborted.
        Runtime.getRuntime().addShutdownHook(new Thread(this::close));
        waitUntilReady();
    }

    String url() {
        return "http://localhost:" + port;
    }

    int port() {
        return port;
    }

    private void waitUntilReady() throws IOException, InterruptedException {
        Instant deadline = Instant.now().plus(START);
        while (!isReady()) {
            if (process.waitFor(200, TimeUnit.MILLISECONDS)) {
                throw new AssertionError("the service ended with " + process.exitValue() + ", its log:\n"
                        + Files.readString(LOG));
            }
            if (Instant.now().isAfter(deadline)) {
                close();
                throw new AssertionError("the service is not ready after " + START + ", its log:\n"
                        + Files.readString(LOG));
            }
        }
    }

    private boolean isReady() throws InterruptedException {
        HttpRequest request = HttpRequest.newBuilder(URI.create(url() + "/readyz"))
                .timeout(Duration.ofSeconds(5))
                .build();
        try {
            return HttpClient.newHttpClient().send(request, BodyHandlers.discarding()).statusCode() == 200;
        } catch (IOException notYet) {
            return false;
        }
    }

    /** Sends SIGTERM to make and its descendants, for a graceful shutdown. */
    @Override
    public void close() {
        List<ProcessHandle> all =
                Stream.concat(process.descendants(), Stream.of(process.toHandle())).toList();
        all.forEach(ProcessHandle::destroy);
        Instant deadline = Instant.now().plus(STOP);
        for (ProcessHandle each : all) {
            try {
                each.onExit().get(Duration.between(Instant.now(), deadline).toMillis(), TimeUnit.MILLISECONDS);
            } catch (Exception late) {
                each.destroyForcibly();
            }
        }
    }

    /** Injects the shared service: {@code @ExtendWith(Service.Running.class)}. */
    static final class Running implements BeforeAllCallback, ParameterResolver {
        @Override
        public void beforeAll(ExtensionContext context) {
            get(context);
        }

        @Override
        public boolean supportsParameter(ParameterContext parameter, ExtensionContext context) {
            return parameter.getParameter().getType() == Service.class;
        }

        @Override
        public Object resolveParameter(ParameterContext parameter, ExtensionContext context) {
            return get(context);
        }

        private static Service get(ExtensionContext context) {
            return context.getRoot()
                    .getStore(Namespace.GLOBAL)
                    .getOrComputeIfAbsent("service", key -> start(), Service.class);
        }

        private static Service start() {
            try {
                return new Service();
            } catch (IOException | InterruptedException failure) {
                throw new AssertionError("the service can't be started", failure);
            }
        }
    }
}

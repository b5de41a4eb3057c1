package imagesuperscaling.client;

import java.util.concurrent.Callable;
import java.util.concurrent.CompletableFuture;

/** Work in threads of its own. */
final class Background {
    private Background() {}

    /** Runs work in a thread that does not keep the program alive. Cancelling the future interrupts it. */
    static <T> CompletableFuture<T> run(Callable<T> work) {
        CompletableFuture<T> future = new CompletableFuture<>();
        Thread thread = new Thread(
                () -> {
                    try {
                        future.complete(work.call());
                    } catch (Throwable failure) {
                        future.completeExceptionally(failure);
                    }
                },
                "upscale-job");
        thread.setDaemon(true);
        future.whenComplete((result, failure) -> {
            if (future.isCancelled()) {
                thread.interrupt();
            }
        });
        thread.start();
        return future;
    }
}

package imagesuperscaling.client;

import java.util.Arrays;

/** Observes other threads. */
final class Threads {
    private Threads() {}

    /** Returns once a thread sleeps, that is, waits for its next attempt. */
    static void awaitSleep(Thread thread) {
        while (Arrays.stream(thread.getStackTrace()).noneMatch(frame -> frame.getMethodName().equals("sleep"))) {
            if (!thread.isAlive()) {
                throw new AssertionError("the thread ended");
            }
            Thread.onSpinWait();
        }
    }
}

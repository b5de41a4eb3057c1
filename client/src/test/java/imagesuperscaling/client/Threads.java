package imagesuperscaling.client;

import java.util.Arrays;

/** What other threads are doing. */
final class Threads {
    private Threads() {}

    /** Returns once a thread sleeps: it waits for its next try. */
    static void awaitSleep(Thread thread) {
        while (Arrays.stream(thread.getStackTrace()).noneMatch(frame -> frame.getMethodName().equals("sleep"))) {
            if (!thread.isAlive()) {
                throw new AssertionError("the thread ended");
            }
            Thread.onSpinWait();
        }
    }
}

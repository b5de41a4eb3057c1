package imagesuperscaling.client;

import java.net.http.HttpResponse.BodySubscriber;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.Flow.Subscription;

/** Collects a body up to a limit. A longer one is cancelled, and the result then has limit + 1 bytes. */
final class BoundedBody implements BodySubscriber<byte[]> {
    private final long limit;
    private final List<ByteBuffer> received = new ArrayList<>();
    private final CompletableFuture<byte[]> body = new CompletableFuture<>();
    private Subscription subscription;
    private long count;

    BoundedBody(long limit) {
        this.limit = limit;
    }

    @Override
    public CompletionStage<byte[]> getBody() {
        return body;
    }

    @Override
    public void onSubscribe(Subscription given) {
        subscription = given;
        given.request(Long.MAX_VALUE);
    }

    @Override
    public void onNext(List<ByteBuffer> buffers) {
        if (count > limit) {
            return;
        }
        for (ByteBuffer buffer : buffers) {
            received.add(buffer);
            count += buffer.remaining();
        }
        if (count > limit) {
            subscription.cancel();
            onComplete();
        }
    }

    @Override
    public void onError(Throwable failure) {
        received.clear();
        body.completeExceptionally(failure);
    }

    @Override
    public void onComplete() {
        ByteBuffer whole = ByteBuffer.allocate((int) Math.min(count, limit + 1));
        for (ByteBuffer buffer : received) {
            whole.put(buffer.limit(buffer.position() + Math.min(buffer.remaining(), whole.remaining())));
        }
        received.clear();
        body.complete(whole.array());
    }
}

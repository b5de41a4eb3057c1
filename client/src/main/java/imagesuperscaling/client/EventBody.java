package imagesuperscaling.client;

import java.net.http.HttpResponse.BodySubscriber;
import java.nio.ByteBuffer;
import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.Flow.Subscription;

/** Hands a body on as it arrives, one piece after the other. The body as a whole is empty, and there at the end. */
final class EventBody implements BodySubscriber<byte[]> {
    private final BlockingQueue<List<ByteBuffer>> pieces;
    private final CompletableFuture<byte[]> end = new CompletableFuture<>();
    private Subscription subscription;

    /** {@code pieces}: where they go; has place for all. */
    EventBody(BlockingQueue<List<ByteBuffer>> pieces) {
        this.pieces = pieces;
    }

    /** Asks for the next piece. */
    void next() {
        subscription.request(1);
    }

    @Override
    public CompletionStage<byte[]> getBody() {
        return end;
    }

    @Override
    public void onSubscribe(Subscription given) {
        subscription = given;
        given.request(1);
    }

    @Override
    public void onNext(List<ByteBuffer> piece) {
        pieces.add(piece);
    }

    @Override
    public void onError(Throwable failure) {
        end.completeExceptionally(failure);
    }

    @Override
    public void onComplete() {
        end.complete(new byte[0]);
    }
}

package io.github.vlm4j.search;

import io.github.vlm4j.core.InputException;
import io.github.vlm4j.search.IndexedPictures.State;
import io.github.vlm4j.search.PreparedPicture.Broken;
import io.github.vlm4j.search.PreparedPicture.Decoded;
import io.github.vlm4j.vision.image.Image;
import java.io.IOException;
import java.nio.file.Files;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.jspecify.annotations.Nullable;

/**
 * Reads the pictures that an index does not have, a batch ahead of where they are embedded. Two
 * batches of pixels are held at most, and each is cut short where it takes more than a sixteenth of
 * the Java heap.
 */
final class PictureSource implements AutoCloseable {

  private static final int DECODERS = Math.min(4, Runtime.getRuntime().availableProcessors());
  private static final long BATCH_BYTES = Runtime.getRuntime().maxMemory() / 16;
  private static final int CHANNELS = 3;

  private final PictureWalk walk;
  private final IndexedPictures indexed;
  private final ExecutorService threads =
      Executors.newFixedThreadPool(
          1 + DECODERS, Thread.ofPlatform().daemon().name("vlm-pictures-", 0).factory());
  private Future<List<PreparedPicture>> ahead;

  PictureSource(PictureWalk walk, IndexedPictures indexed) {
    this.walk = walk;
    this.indexed = indexed;
    ahead = threads.submit(this::read);
  }

  /**
   * Returns the next batch, of at most {@link PictureIndexer#BATCH}; an empty one is the end.
   *
   * @throws IOException if the index cannot be read
   */
  List<PreparedPicture> next() throws IOException {
    List<PreparedPicture> batch = get(ahead);
    ahead = threads.submit(this::read);
    return batch;
  }

  private List<PreparedPicture> read() throws IOException {
    List<PreparedPicture> batch = new ArrayList<>();
    long bytes = 0;
    while (batch.size() < PictureIndexer.BATCH && bytes < BATCH_BYTES) {
      List<Callable<PreparedPicture>> wave = new ArrayList<>();
      while (wave.size() < Math.min(DECODERS, PictureIndexer.BATCH - batch.size())) {
        Callable<PreparedPicture> decoding = nextDecoding();
        if (decoding == null) {
          break;
        }
        wave.add(decoding);
      }
      if (wave.isEmpty()) {
        break;
      }
      for (PreparedPicture prepared : decode(wave)) {
        batch.add(prepared);
        if (prepared instanceof Decoded(_, _, Image image)) {
          bytes += (long) CHANNELS * image.width() * image.height();
        }
      }
    }
    return batch;
  }

  private @Nullable Callable<PreparedPicture> nextDecoding() throws IOException {
    for (PictureFile file = walk.next(); file != null; file = walk.next()) {
      State state = indexed.compare(file);
      if (state == State.NEW || state == State.CHANGED) {
        PictureFile wanted = file;
        return () -> decode(wanted, state == State.CHANGED);
      }
    }
    return null;
  }

  private List<PreparedPicture> decode(List<Callable<PreparedPicture>> wave) throws IOException {
    List<PreparedPicture> results = new ArrayList<>();
    List<Future<PreparedPicture>> futures = wave.stream().map(threads::submit).toList();
    for (int i = 0; i < futures.size(); i++) {
      results.add(get(futures.get(i)));
    }
    return results;
  }

  private static PreparedPicture decode(PictureFile file, boolean known) {
    try {
      return new Decoded(file, known, Image.of(file.path()));
    } catch (InputException unusable) {
      boolean forNow =
          unusable.getCause() instanceof OutOfMemoryError || !Files.isReadable(file.path());
      return new Broken(file, unusable.getMessage(), !forNow);
    } catch (OutOfMemoryError _) {
      return new Broken(
          file,
          file.path().getFileName() + " needs more memory than there is; raise -Xmx or shrink it.",
          false);
    }
  }

  private static <T> T get(Future<T> future) throws IOException {
    try {
      return future.get();
    } catch (InterruptedException interrupted) {
      Thread.currentThread().interrupt();
      throw new InputException("Reading pictures was interrupted; start again.", interrupted);
    } catch (ExecutionException failed) {
      switch (failed.getCause()) {
        case IOException cause -> throw cause;
        case RuntimeException cause -> throw cause;
        case Error cause -> throw cause;
        case null, default -> throw new IllegalStateException(failed);
      }
    }
  }

  /** Waits for what is being read, as it reads the index, too. */
  @Override
  public void close() {
    threads.shutdownNow();
    threads.close();
    walk.close();
  }
}

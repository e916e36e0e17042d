package io.github.vlm4j.cli;

import io.github.vlm4j.core.CheckpointException;
import io.github.vlm4j.core.checkpoint.Checkpoint;
import io.github.vlm4j.models.clip.DualEncoderFormats;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;

/**
 * Tells models apart by what is in their files, wherever they are: by the weights and by the
 * configuration of the picture processor. Of large files, samples spread over all of the file are
 * read, as a question should not wait until gigabytes have been.
 */
final class ModelFingerprint {

  private static final int SAMPLE_BYTES = 1 << 16;
  private static final int SAMPLES = 256;
  private static final int SHOWN_BYTES = 8;

  private ModelFingerprint() {}

  static String of(Path model) {
    List<Path> files = new ArrayList<>();
    try (Checkpoint checkpoint = Checkpoint.open(model)) {
      files.addAll(checkpoint.files());
    }
    Path processor = DualEncoderFormats.folder(model).resolve("preprocessor_config.json");
    if (Files.isRegularFile(processor)) {
      files.add(processor);
    }
    MessageDigest digest = sha256();
    for (Path file : files) {
      try (FileChannel channel = FileChannel.open(file)) {
        add(digest, channel);
      } catch (IOException failed) {
        throw new CheckpointException(
            file + " cannot be read (" + failed + "); check its permissions.", failed);
      }
    }
    return HexFormat.of().formatHex(digest.digest(), 0, SHOWN_BYTES);
  }

  private static void add(MessageDigest digest, FileChannel channel) throws IOException {
    long size = channel.size();
    digest.update(ByteBuffer.allocate(Long.BYTES).putLong(0, size));
    ByteBuffer sample = ByteBuffer.allocate(SAMPLE_BYTES);
    long step = Math.max(SAMPLE_BYTES, size / SAMPLES);
    for (long position = 0; position < size; position += step) {
      sample.clear();
      while (sample.hasRemaining() && channel.read(sample, position + sample.position()) >= 0) {
        // A read may return less than there is.
      }
      digest.update(sample.flip());
    }
  }

  private static MessageDigest sha256() {
    try {
      return MessageDigest.getInstance("SHA-256");
    } catch (NoSuchAlgorithmException impossible) {
      throw new IllegalStateException("Every JDK has SHA-256", impossible);
    }
  }
}

package io.github.vlm4j.text.tokenizer;

import ai.djl.huggingface.tokenizers.jni.LibUtils;
import ai.djl.huggingface.tokenizers.jni.TokenizersLibrary;
import io.github.vlm4j.core.BackendException;
import io.github.vlm4j.core.CheckpointException;
import java.lang.ref.Cleaner;
import java.lang.ref.Reference;
import java.util.HashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * One tokenizer of the Hugging Face tokenizers library, as packaged by DJL. Uses the JNI layer
 * alone: the classes above it call home on creation.
 */
final class NativeTokenizer {

  private static final Cleaner CLEANER = Cleaner.create();

  private final long handle;

  private NativeTokenizer(long handle) {
    this.handle = handle;
    CLEANER.register(this, () -> TokenizersLibrary.LIB.deleteTokenizer(handle));
  }

  /** Creates a tokenizer from validated JSON. */
  static NativeTokenizer create(String json) {
    Library.load();
    try {
      return new NativeTokenizer(TokenizersLibrary.LIB.createTokenizerFromString(json));
    } catch (RuntimeException e) {
      throw new CheckpointException(
          "The tokenizer library rejects tokenizer.json: " + e.getMessage() + ".", e);
    }
  }

  /** Token ids without any that a post-processor would add. */
  int[] encode(String text) {
    long encoding = TokenizersLibrary.LIB.encode(handle, text, false);
    try {
      long[] ids = TokenizersLibrary.LIB.getTokenIds(encoding);
      int[] result = new int[ids.length];
      for (int i = 0; i < ids.length; i++) {
        result[i] = Math.toIntExact(ids[i]);
      }
      return result;
    } finally {
      TokenizersLibrary.LIB.deleteEncoding(encoding);
      Reference.reachabilityFence(this);
    }
  }

  String decode(long[] ids, boolean skipSpecial) {
    try {
      return TokenizersLibrary.LIB.decode(handle, ids, skipSpecial);
    } finally {
      Reference.reachabilityFence(this);
    }
  }

  /** Loads the shared library once: from the jar, unpacked into DJL's cache folder. */
  private static final class Library {

    /** Never the network, and never a search for a GPU flavour of a library that has none. */
    private static final Map<String, String> SETTINGS =
        Map.of("ai.djl.offline", "true", "RUST_FLAVOR", "cpu");

    private static final @Nullable String PROBLEM = tryLoad();

    private Library() {}

    static void load() {
      if (PROBLEM != null) {
        throw new BackendException(
            "The native tokenizer library cannot be loaded (%s); it needs Linux, macOS or Windows on"
                    .formatted(PROBLEM)
                + " x86-64 or aarch64 and a writable folder, ~/.djl.ai or what the environment"
                + " variable DJL_CACHE_DIR names.");
      }
    }

    private static @Nullable String tryLoad() {
      if (UnpackedLibrary.load()) {
        return null;
      }
      Map<String, String> before = new HashMap<>();
      SETTINGS.forEach((key, value) -> {
        String old = System.getProperty(key);
        if (old == null) {
          System.setProperty(key, value);
        } else {
          before.put(key, old);
        }
      });
      try {
        LibUtils.checkStatus();
        return null;
      } catch (RuntimeException | LinkageError e) {
        return String.valueOf(e.getMessage());
      } finally {
        SETTINGS.keySet().stream()
            .filter(key -> !before.containsKey(key))
            .forEach(System::clearProperty);
      }
    }
  }
}

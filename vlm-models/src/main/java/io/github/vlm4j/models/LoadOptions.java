package io.github.vlm4j.models;

import io.github.vlm4j.core.backend.BackendOptions;
import io.github.vlm4j.core.quant.QuantisationScheme;
import io.github.vlm4j.core.tensor.DType;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * How a model is opened.
 *
 * @param backendName the backend's name; null takes the system property {@code vlm.backend} or else
 *     the usable backend of the highest priority
 * @param backendOptions how the backend is opened
 * @param reuse what is kept of a request for those that follow
 * @param cacheType the type that a decoder's keys and values are kept in: F32, F16, BF16 or Q8_0;
 *     smaller ones take less memory and time in long conversations, and round. Null for F16, or F32
 *     where the decoder's weights are F32 or keys and values of its whole context take no more than
 *     16 MiB
 * @param quantisation how weights are quantised as they are read, of a model that writes; null for
 *     not at all
 */
public record LoadOptions(
    @Nullable String backendName,
    BackendOptions backendOptions,
    Reuse reuse,
    @Nullable DType cacheType,
    @Nullable QuantisationScheme quantisation) {

  /** The usable backend of the highest priority, as it likes best. */
  public static final LoadOptions DEFAULT = new LoadOptions(null, BackendOptions.DEFAULT);

  /** Returns options that keep of a request what is standard. */
  public LoadOptions(@Nullable String backendName, BackendOptions backendOptions) {
    this(backendName, backendOptions, Reuse.standard(), null, null);
  }

  /** Returns the backend's name, if one is asked for. */
  public Optional<String> backend() {
    return Optional.ofNullable(backendName);
  }

  /** Returns a copy that asks for a backend by its name. */
  public LoadOptions withBackend(String name) {
    return new LoadOptions(name, backendOptions, reuse, cacheType, quantisation);
  }

  /** Returns a copy that asks for a number of threads; 0 lets the backend decide. */
  public LoadOptions withThreads(int threads) {
    return new LoadOptions(
        backendName, backendOptions.withThreads(threads), reuse, cacheType, quantisation);
  }

  /** Returns a copy that keeps something else of a request for those that follow. */
  public LoadOptions withReuse(Reuse kept) {
    return new LoadOptions(backendName, backendOptions, kept, cacheType, quantisation);
  }

  /** Returns a copy that keeps keys and values in another type. */
  public LoadOptions withCacheType(DType type) {
    return new LoadOptions(backendName, backendOptions, reuse, type, quantisation);
  }

  /** Returns a copy that quantises weights as they are read; for trying, as it takes memory. */
  public LoadOptions withQuantisation(QuantisationScheme scheme) {
    return new LoadOptions(backendName, backendOptions, reuse, cacheType, scheme);
  }
}

/**
 * The parts that vision-language models are put together from: encoders, connectors and decoders,
 * each of which contributes its layers to a graph, and the memory a decoder keeps between steps.
 */
@NullMarked
package io.github.vlm4j.core.model;

import org.jspecify.annotations.NullMarked;

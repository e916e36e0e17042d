package io.github.vlm4j.models.chat;

/**
 * How long the parts of an answer took, in milliseconds.
 *
 * @param imageMs preprocessing and encoding pictures
 * @param prefillMs reading the prompt
 * @param decodeMs writing all tokens after the first
 * @param timeToFirstTokenMs from the request to the first token
 * @param decodeTokensPerSecond tokens after the first over {@code decodeMs}; 0 if there are none
 */
public record Timings(
    double imageMs,
    double prefillMs,
    double decodeMs,
    double timeToFirstTokenMs,
    double decodeTokensPerSecond) {}

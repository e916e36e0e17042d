package io.github.vlm4j.models.chat;

/**
 * How long the parts of an answer took, in milliseconds, and what of the work had been done before.
 *
 * @param imageMs preprocessing and encoding pictures
 * @param prefillMs reading the prompt
 * @param decodeMs writing all tokens after the first
 * @param timeToFirstTokenMs from the request to the first token
 * @param decodeTokensPerSecond tokens after the first over {@code decodeMs}; 0 if there are none
 * @param reusedTokens how many of the prompt's first tokens had been read for the request before,
 *     image tokens included
 * @param reusedImages how many of the prompt's pictures and videos were not encoded, as the model
 *     had read them or still knew their features
 */
public record Timings(
    double imageMs,
    double prefillMs,
    double decodeMs,
    double timeToFirstTokenMs,
    double decodeTokensPerSecond,
    int reusedTokens,
    int reusedImages) {}

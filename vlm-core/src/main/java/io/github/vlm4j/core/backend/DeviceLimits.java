package io.github.vlm4j.core.backend;

/**
 * What a device can do at best, as measured on it, to hold a model's speed against.
 *
 * @param flopsPerSecond f32 multiplications and additions per second, all units busy
 * @param bytesPerSecond bytes read from memory per second, all channels busy
 */
public record DeviceLimits(double flopsPerSecond, double bytesPerSecond) {}

package io.github.vlm4j.backend.tornado.device;

import java.lang.annotation.ElementType;
import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;
import java.lang.annotation.Target;
import org.junit.jupiter.api.condition.EnabledIfEnvironmentVariable;

/** Of tests that run something on a device: skipped where there is no TornadoVM SDK. */
@Target(ElementType.TYPE)
@Retention(RetentionPolicy.RUNTIME)
@EnabledIfEnvironmentVariable(
    named = "TORNADOVM_HOME",
    matches = ".+",
    disabledReason = "It needs a TornadoVM SDK: set TORNADOVM_HOME to its folder.")
@interface NeedsSdk {}

"""Networks of inverted bottlenecks, as MobileNetV3 and ProxylessNAS: what plain and elastic ones share."""

"""The texts of problems in `pumps.yaml` and `cctv.yaml`, by code."""

from gateway.site.problem_text import Text

PUMP_MESSAGES: dict[str, Text] = {
    "pump_quantity": Text(
        "测点 {word} 的 quantity 是 {quantity}，这里需要 {wanted}", "换成 quantity 为 {wanted} 的测点",
        "The point {word} has quantity {quantity}; {wanted} is needed here", "Name a point with quantity {wanted}",
    ),
    "pump_twice": Text(
        "{word} 已经属于泵组 {first}", "一台泵、一个压力测点只写在一个泵组里",
        "{word} already belongs to the station {first}", "Name each pump and each pressure in one station only",
    ),
    "pump_none": Text(
        "消防泵组 {word} 没有泵", "在 mains 或 jockeys 里写上泵",
        "The fire station {word} has no pump", "Name its pumps under mains or jockeys",
    ),
    "pump_band": Text(
        "稳压泵启泵压力 {start} 不低于停泵压力 {stop}", "start_pressure 要小于 stop_pressure",
        "start_pressure {start} is not below stop_pressure {stop}", "The jockey starts lower than it stops",
    ),
    "pump_order": Text(
        "主泵启泵压力 {main} 不低于稳压泵启泵压力 {start}", "main_start_pressure 要小于 start_pressure",
        "main_start_pressure {main} is not below start_pressure {start}", "Main pumps start after the jockeys",
    ),
    "pump_jockey_missing": Text(
        "没有稳压泵，{word} 没有用处", "去掉 {word}，或在 jockeys 里写上稳压泵",
        "Without a jockey pump {word} means nothing", "Remove {word}, or name the jockey pumps",
    ),
    "pump_level": Text(
        "写了 level_minimum 却没有 level", "写上水池液位测点 level",
        "level_minimum without level", "Name the point of the tank's level",
    ),
    "pump_positive": Text(
        "{word} 必须大于 0", "写如 30s", "{word} must be more than 0", "Write e.g. 30s",
    ),
    "derived_taken": Text(
        "{word} 是系统自己计算的测点，不能在 devices.yaml 里再写", "在 devices.yaml 里去掉它或换一个 id",
        "{word} is a point that Gengfu works out itself", "Remove it from devices.yaml, or give it another id",
    ),
    "cctv_no_views": Text(
        "写了 coverage 却没有视点，覆盖率无从算起", "在 view_points 里写上应覆盖的视点",
        "coverage without view points", "Name under view_points what has to be seen",
    ),
    "cctv_camera_twice": Text(
        "视点 {view} 写了两次摄像头 {word}", "留下一个", "The view point {view} names {word} twice", "Keep one",
    ),
    "cctv_sizes": Text(
        "只有一部分视点写了 size", "全部写上面积，或全部不写（权重相同）",
        "Only some of the view points have a size", "Give all of them their area, or none (then they weigh the same)",
    ),
}  # fmt: skip

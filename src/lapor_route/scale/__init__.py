"""Routes archives on many machines: files or folders in, partitioned Parquet out, by Ray.

`import lapor_route.scale` needs no Ray; `RayEngine` does, and says what to install.
"""

from lapor_route.scale.archive import route_archive
from lapor_route.scale.plan import ROWS_PER_PART
from lapor_route.scale.ray_engine import RayEngine
from lapor_route.scale.worker import RouterOptions

__all__ = ["ROWS_PER_PART", "RayEngine", "RouterOptions", "route_archive"]
